//! How addresses are written in several countries.

/// A word that begins with a capital letter.
macro_rules! name {
    () => {
        r"(?:[A-Z]|[^\x00-\x7F])(?:[A-Za-z'.\-]|[^\x00-\x7F]){0,24}"
    };
}

/// A house number, which may have a letter or be several.
macro_rules! number {
    () => {
        r"[0-9]{1,4}(?: ?[A-Za-z](?![A-Za-z0-9]|[^\x00-\x7F]))?(?:[\-/][0-9]{1,4}[A-Za-z]?)?"
    };
}

/// Small words between a word for a street and its name.
macro_rules! particles {
    () => {
        concat!(
            r"(?: (?:de|del|della|delle|dei|degli|di|da|do|dos|das|du|des|la|las|le|les|los|el|e|et|y|sur)",
            r"(?![A-Za-z]|[^\x00-\x7F])| [ld]'){0,3}"
        )
    };
}

pub(super) const BEGIN: &str = r"(?<![A-Za-z0-9_.]|[^\x00-\x7F])";
pub(super) const END: &str = r"(?![A-Za-z0-9_]|[^\x00-\x7F])";

/// `12 Main Street`, `221B Baker St.`, `5 West 42nd St`, and in small letters `12 main street`.
pub(super) const ENGLISH: &str = concat!(
    r"[0-9]{1,6}[A-Za-z]?(?:[\-/][0-9]{1,4}[A-Za-z]?)?,? (?:",
    r"(?:(?:",
    name!(),
    r"|[0-9]{1,3}(?:st|nd|rd|th)|of|the|de|la) ){1,4}",
    r"(?:(?i:streets?|road|avenue|boulevard|lane|drive|highway|parkway|terrace|crescent|esplanade|parade)",
    r"|(?=[A-Z])(?i:st|rd|ave?|blvd|ln|dr|ct|court|pl|place|sq|square|hwy|pkwy|ter|circle|cir|way|trail|trl|close",
    r"|cres|gardens|grove|mews|row|walk|alley|plaza|loop|turnpike|gateway|quay|wharf|crossing|heights|extensions?",
    r"|expressway|freeway|hill|rise|green|park|bend|creek|ridge|run|path|pike|view|vista|point|cove|glen|hollow))",
    r"|(?!and |the |for |per |was |are |out |way )[a-z]{3,15} (?:[a-z]{3,15} )?(?:street|road|avenue|boulevard|lane|drive|highway|terrace|court))\.?",
);

/// `12 rue de Rivoli`, `20 Avenue Habib Bourguiba`.
pub(super) const FRENCH: &str = concat!(
    r"[0-9]{1,4}(?: ?(?:bis|ter|quater|[A-D]))?,? (?i:rue|avenue|av\.|boulevard|bd|chemin|all[ée]e|impasse|quai|place",
    r"|cours|passage|faubourg|sentier|ruelle|rua|calle|avenida|carrer|via|viale|piazza)",
    particles!(),
    r"(?: ?",
    name!(),
    r"){1,4}",
    // In small letters only after the plainest word.
    r"|[0-9]{1,4},? (?i:rue)",
    particles!(),
    r" ?(?:[a-z]|[^\x00-\x7F]){3,20}",
);

/// `Via Roma 3`, `Calle de Alcalá, 45`, `ul. Miła 53`, `Rue de la Sarthe 421`.
pub(super) const ROMANCE: &str = concat!(
    r"(?:(?i:calle|c/|avenida|avda\.?|rua|rue|viale|piazza|piazzale|vicolo|paseo|carrera|carrer|travesía|avinguda",
    r"|ulica|ul\.|aleja|al\.|os\.|strada|stradă|bulevardul|chemin|all[ée]e|impasse|quai|λεωφόρος|οδός)",
    r"|Via|VIA|Corso|Largo|Plaza|Place|Avenue|Boulevard|Camino|Ronda|Praça|Estrada|Route|Str\.|Oδός|Λεωφόρος)",
    particles!(),
    r"(?: ?",
    name!(),
    particles!(),
    r"){1,4},? (?:[Nn](?:[º°.]|r\.?) ?)?",
    number!(),
);

/// `Hauptstraße 12a`, `Villacher Strasse 89`, `Magasinsgatan 7`, `Kiannonkatu 98`, `Petőfi utca 5`.
pub(super) const GERMANIC: &str = concat!(
    r"(?:",
    name!(),
    r" ){0,2}(?:(?:[A-Z]|[^\x00-\x7F])(?:[A-Za-z\-]|[^\x00-\x7F]){1,24}",
    r"(?:stra(?:ß|ss)e|str\.?|weg|platz|gasse|allee|damm|ufer|steig|chaussee|straat|laan|plein|kade|gracht|dijk|singel",
    r"|gat(?:a|an)|vägen|väg|gränd|gärde|gade|vej(?:en)?|vænget|stræde|allé|ve(?:g|gen|ien)|stræti|straeti|katu|ntie|kuja|polku",
    r"|puiestee)|",
    name!(),
    r" (?i:strasse|straße|str\.|weg|platz|gasse|allee|ring|damm|ufer|straat|laan|baan|plein|gade|vej|katu|utca|útja?|u\.|tér",
    r"|körút|krt\.|tänav|tn\.?|puiestee|pst\.?|iela|gatvė|ulice|nám\.|náměstí|sokak|sok\.|cad\.|caddesi))",
    r",? (?:[Nn]r\.? ?)?",
    number!(),
);

/// `P.O. Box 242`, `Postfach 12 34 56`, `PSC 7004, Box 8380, APO AP 11949`, `Suite 501`.
pub(super) const BOX: &str = concat!(
    r"(?i:p\.? ?o\.? ?box|post office box|gpo box|locked bag|postfach|postbus|apartado(?: de correos)?|casella postale",
    r"|caixa postal|bo[iî]te postale),? [0-9]{1,6}(?: [0-9]{2,3}){0,2}",
    r"|(?:(?:PSC|CMR|Unit) [0-9]{1,5},? ?Box [0-9]{1,5}|(?:USS|USNS|USNV|USCGC) ",
    name!(),
    r")[, \n]{1,3}[ADF]PO,? A[AEP] [0-9]{5}",
    r"|(?i:apt|apartment|suite|ste)\.? #?[0-9]{1,5}[A-Za-z]?",
);

/// `20789 Allika 46, Suite 501`: what a flat follows is a street.
pub(super) const BEFORE_FLAT: &str = concat!(
    r"(?:[0-9]{1,6} )?(?:",
    name!(),
    r" ){1,3}",
    number!(),
    r"(?=,?[ \n>]{1,4}(?i:apt|apartment|suite|ste)\.? #?[0-9])",
);

/// `Joaquín Suárez 2906`, where the talk is of an address.
pub(super) const NAMED: &str = concat!(
    r"(?:[0-9]{1,6} )?(?:",
    name!(),
    r" ){0,2}(?:[A-Z]|[^\x00-\x7F])(?:[a-z\-]|[^\x00-\x7F]){3,24} ",
    r"(?=[0-9]{2})",
    number!(),
);
