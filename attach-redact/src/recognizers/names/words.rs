//! Words around names, in lower case: our own lists.

/// After a name these make an organisation or a place of it.
pub(super) const ORGANISATION: &str = "loop trail way mall terrace promenade highway ltd limited inc llc gmbh corp corporation co company \
    group plc ag sa nv bv oy ab as aps kft zrt spa srl sarl pty university college school street st road rd avenue ave boulevard blvd drive \
    lane ln square airport hospital center centre foundation institute bank hotel stadium church county park bridge prize award theorem \
    algorithm syndrome islands island city valley river lake bay beach museum library station associates partners holdings \
    industries motors brothers bros sons press records studios magazine journal times act law effect code cup tower \
    building court house hall farm hill hills creek falls mountain mountains springs heights gardens estate estates mill mills \
    capital consulting technologies technology systems solutions services software research labs laboratories analytics media networks \
    insurance financial international enterprises ventures productions pharmaceuticals energy airlines railway \
    place crescent close quay wharf utca tér út útja körút straße strasse platz allee weg gasse laan straat plein gade gatan vägen \
    veien gate katu tie";

/// Before a name these make a place of it.
pub(super) const PLACE: &str = "san santa santo den são saint saints st sainte ste sankt szent sveti sveta svatý port fort mount mt lake cape camp puerto villa ville \
    ciudad cidade cité cite city isla ilha rio río rue rua rúa via viale vicolo piazza piazzale corso largo strada avenida avda avd av calle camino \
    carrera plaza praça praceta travessa estrada quinta avenue boulevard allée chemin impasse quai cours passage faubourg place square ulica \
    ul aleja plac náměstí třída ulice trg cesta utca piaci calea bulevardul strasse straße platz mevki caddesi sokak \
    nossa senhora nuestra señora university universität école ecole institut lycée collège hospital airport";

/// Before a name and of it. A `?` may be a word of a row as well.
pub(super) const TITLE: &str = "mr mrs ms mx miss dr prof professor sir madam mister herr frau fräulein monsieur madame mme mlle señor señora señorita \
    signor signora signorina sra srta dott dottor pan? pani pán paní gospodin gospođa mevrouw meneer dhr mevr hr fru \
    hon rev reverend fr capt captain sgt sergeant lt lieutenant col colonel cpl maj cmdr gov sen? rep? pres? dame messrs esq \
    dipl ing mag phd";

/// Only before a name.
pub(super) const INTRODUCTION: &str = "dear liebe lieber geehrter geehrte cher chère querido querida estimado estimada caro cara gentile egregio kære kära hyvä \
    szanowny szanowna drogi droga vážený vážená milý milá kedves tisztelt beste geachte poštovani poštovana dragi draga sayın stimate \
    doctor heiße heisse llamo chiamo appelle";

/// What people are called for what they are to others.
pub(super) const PERSON: &str = "wife husband mother father sister brother son daughter mom mum dad mama papa grandmother grandfather grandma \
    grandpa aunt uncle cousin niece nephew fiancé fiancée fiance fiancee girlfriend boyfriend roommate neighbor neighbour \
    colleague coworker friend friends boss kid kids child children sons daughters twins brothers sisters parents \
    founder founders cofounder co-founder co-founders ceo cto cfo coo chairman chairwoman beneficiary guardian \
    songwriter singer actor actress painter author authors novelist poet composer director producer journalist reporter editor \
    player striker goalkeeper attorney lawyer plaintiff defendant witness victim suspect tenant landlord attendees participants members \
    speakers speaker guests guest interviewer interviewee grandson granddaughter stepfather stepmother widow widower bride groom \
    freund freundin kollege kollegin mann tochter sohn mutter vater bruder schwester ami amie mari femme fils fille frère soeur sœur \
    amigo amiga hermano hermana hijo hija esposa esposo madre padre fratello sorella figlio figlia marito moglie amico amica \
    minister president senator congressman congresswoman governor mayor judge detective inspector officer nurse king queen prince princess \
    lord lady pope rabbi imam sheikh coach employee patient customer client applicant candidate student teacher";

/// Said of who speaks, before the name or after it.
pub(super) const SPEECH: &str = "said says say asked asks replied replies explained explains added adds wrote writes answered answers shouted shouts whispered whispers \
    yelled exclaimed muttered murmured cried told tells recalled insisted admitted joked laughed complained sang sings announced declared";

/// Before a name that can be one.
pub(super) const WEAK: &str = "hi hello hey hallo bonjour hola ciao hej moi ahoj cześć szia thanks regards sincerely cheers yours from contact contacted name named \
    called attn cc by with greetings danke grüße gracias merci am i'm i’m meet met ask asked tell told call called invite invited \
    visit visited remind thank congratulate marry married love loved hate hated miss missed know knew heard hear saw introduce introduced email emailed \
    phone phoned text texted hire hired fired interview interviewed signed assigned owner reporter assignee sender recipient welcome ask between \
    him her";

/// The label of a form's field.
pub(super) const LABEL: &str = "name names surname forename firstname lastname fullname username? nickname customer patient employee contact author authors sender recipient signed attn \
    vorname nachname familienname nom prénom nombre nombres apellido apellidos nome cognome sobrenome naam voornaam achternaam navn fornavn etternavn efternavn \
    namn förnamn efternamn nimi etunimi sukunimi imię nazwisko jméno příjmení meno priezvisko név keresztnév vezetéknév ime prezime priimek isim soyad soyadı ad adı \
    nume prenume vardas pavardė vārds uzvārds nafn applicant tenant insured cardholder payee guest passenger attendee";

/// What only people do, after a name.
pub(super) const HUMAN: &str = "lives lived married marries divorced grew died dies smiled smiles laughed laughs nodded nods shrugged shrugs sighed \
    sighs whispered whispers murmured wept cried cries frowned grinned giggled blushed loves loved hates hated wants wanted thinks thought \
    knows knew feels felt spent went studied studies graduated moved emigrated retired himself herself \
    his her phoned texted emailed told hugged kissed drank ate slept woke walked";

/// What people have, after `'s`.
pub(super) const OWNED: &str = "wife husband mother father sister brother son daughter mom mum dad kid kids child children friend friends boss colleague \
    grandmother grandfather aunt uncle cousin niece nephew girlfriend boyfriend family parents birthday address phone passport salary \
    diagnosis illness death murder killer killers arrest trial resignation wedding funeral house apartment voice face eyes hands \
    hair life childhood career mother-in-law employer doctor lawyer";

/// What several people do or are, after `X and Y`.
pub(super) const PLURAL: &str =
    "were are met married have both argued agree agreed divorced live work went were are";
