//! A case as it is played: the layer does, the model says whether it may.

use std::collections::HashMap;
use std::task::Poll;
use std::time::Duration;

use attach_core::ResponseBody;
use attach_quota::Unit;
use attach_quota::store::Charge;

use super::book::{Applied, Place, Used, amount, applied};
use super::buckets::{Buckets, Now};
use super::scene::{Act, Ask, Caller, Kind, MODELS, Scene, Step, WindowPlan};
use super::stage::{Answer, Cue, Pending, Script, Stage, Tape, poll, read};

pub(super) struct Play<'a> {
    pub(super) scene: &'a Scene,
    pub(super) stage: Stage,
    pub(super) buckets: Buckets,
    /// A charge of every bucket that was ever drawn from, and the window it has under it.
    pub(super) known: HashMap<Place, (Charge, WindowPlan)>,
    pub(super) places: HashMap<u128, Place>,
    pub(super) calls: Vec<Call>,
}

pub(super) struct Call {
    pub(super) caller: Caller,
    pub(super) ask: Ask,
    pub(super) script: Script,
    pub(super) state: State,
    pub(super) account: Option<Account>,
    /// Output that passed.
    pub(super) streamed: u64,
}

pub(super) enum State {
    Waiting(Pending),
    Answered(Box<ResponseBody<Tape>>, Tape),
}

/// A reservation, as the model knows it.
pub(super) struct Account {
    /// In the order of the charges; nothing for the probes.
    pub(super) held: Vec<Option<Held>>,
    pub(super) estimate: Used,
    pub(super) closed: bool,
}

pub(super) struct Held {
    pub(super) applied: Applied,
    pub(super) reserved: u64,
    pub(super) booked: u64,
    pub(super) ends: u64,
    pub(super) passed_over: bool,
}

/// A refusal that time alone will lift.
pub(super) struct Wait {
    pub(super) retry_after: Duration,
    /// The same charges do not pass this much earlier, unless that is nothing.
    pub(super) sharp: Option<Duration>,
}

impl<'a> Play<'a> {
    pub(super) fn run(scene: &'a Scene) {
        let mut play = Self {
            scene,
            stage: Stage::new(scene),
            buckets: Buckets::default(),
            known: HashMap::new(),
            places: HashMap::new(),
            calls: Vec::new(),
        };
        for step in &scene.steps {
            match step {
                Step::Call(who, ask) => play.call(&scene.callers[who % scene.callers.len()], ask),
                Step::Act(which, act) if !play.calls.is_empty() => {
                    let call = play.calls.swap_remove(which % play.calls.len());
                    play.act(call, *act);
                }
                Step::Act(..) => {}
                Step::Pass(time) => play.stage.store.pass(*time),
                Step::Midnight(offset) => play.stage.store.pass(to_midnight(play.now(), *offset)),
                Step::Sweep => attach_quota::Store::sweep(&play.stage.store),
            }
        }
        while let Some(call) = play.calls.pop() {
            play.act(call, Act::Leave);
        }
        let known: Vec<_> = play.known.keys().cloned().collect();
        known.iter().for_each(|place| play.stands(place));
    }

    pub(super) fn now(&self) -> Now {
        self.stage.store.now()
    }

    fn call(&mut self, caller: &Caller, ask: &Ask) {
        let Some(wait) = self.begin(caller, ask).filter(|_| ask.patient) else { return };
        let mut left = wait.retry_after;
        let again = Ask { slow: false, ..ask.clone() };
        if let Some(early) = wait.sharp.and_then(|sharp| left.checked_sub(sharp)) {
            self.stage.store.pass(early);
            left -= early;
            assert!(self.begin(caller, &again).is_some(), "it passes {left:?} earlier than it was told");
        }
        self.stage.store.pass(left);
        let calls = self.calls.len();
        assert!(self.begin(caller, &again).is_none(), "refused although it waited as long as it was told");
        assert_eq!(self.calls.len(), calls + 1);
    }

    fn begin(&mut self, caller: &Caller, ask: &Ask) -> Option<Wait> {
        let script = Script::default();
        let state = State::Waiting(self.stage.call(caller, ask, &script));
        let call =
            Call { caller: caller.clone(), ask: ask.clone(), script, state, account: None, streamed: 0 };
        match self.wake(call) {
            Ok(call) => self.calls.extend(call),
            Err(wait) => return wait,
        }
        None
    }

    /// Polls what waits. Nothing is left of a call that was refused.
    fn wake(&mut self, mut call: Call) -> Result<Option<Call>, Option<Wait>> {
        let State::Waiting(pending) = &mut call.state else { return Ok(Some(call)) };
        let polled = poll(pending);
        let wait = self.hear(&mut call);
        match polled {
            Poll::Pending => return Ok(Some(call)),
            Poll::Ready(Err(_)) => panic!("the service was not told to break"),
            Poll::Ready(Ok(answer)) => match answer.status().as_u16() {
                429 => {
                    let (wait, lifts) = wait.expect("a limit refused");
                    let seconds = wait.retry_after.as_nanos().div_ceil(1_000_000_000).max(1);
                    assert_eq!(answer.headers()["retry-after"], seconds.to_string());
                    return Err(lifts.then_some(wait));
                }
                403 => assert!(self.lacks_price(&call), "refused for want of a price"),
                other => panic!("nobody answered {other}"),
            },
        }
        Err(None)
    }

    /// Whether a limit on money forbids what has no price.
    fn lacks_price(&self, call: &Call) -> bool {
        let refuses = |one: &Applied| {
            let limit = &self.scene.limits[one.limit];
            limit.unit == Unit::MicroUsd && !limit.unpriced_free && !limit.shadow
        };
        MODELS[call.ask.model] == "unknown"
            && applied(self.scene, &call.caller, &call.ask).iter().any(refuses)
    }

    fn act(&mut self, call: Call, act: Act) {
        let mut call = match act {
            Act::Leave | Act::Crash => call,
            _ => match self.wake(call) {
                Ok(Some(call)) => call,
                _ => return,
            },
        };
        match act {
            Act::Grow(tokens) => return self.grow(call, tokens),
            Act::Crash => {
                let _: &mut State = Box::leak(Box::new(call.state));
                return;
            }
            Act::Leave => {
                let streamed = Used { output: call.streamed, ..Used::default() };
                return self.over(call, None, streamed);
            }
            _ => {}
        }
        let broken = if call.streamed == 0 { None } else { Some(call.streamed) };
        let unary = call.ask.kind != Kind::Stream;
        let (mut used, mut nothing) = (Used { output: call.streamed, ..Used::default() }, false);
        match (&call.state, act) {
            (_, Act::Finish(usage)) => {
                let tape = self.answered(&mut call);
                used = finish(&tape, call.ask.kind, usage, call.streamed);
                self.read(&mut call);
            }
            (State::Answered(_, tape), _) => {
                tape.tear();
                nothing = broken.is_none();
                assert!(self.read(&mut call), "a broken body is over");
            }
            (State::Waiting(_), act) => {
                nothing = true;
                self.refused_within(&mut call, act, unary);
            }
        }
        self.over(call, Some(nothing), used);
    }

    fn grow(&mut self, mut call: Call, tokens: u64) {
        let tape = self.answered(&mut call);
        if call.ask.kind == Kind::Stream {
            call.streamed += tokens;
            let text = "x".repeat(4 * usize::try_from(tokens).unwrap());
            tape.write(format!(
                "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n"
            ));
            assert!(!self.read(&mut call), "the stream goes on");
        }
        self.runs_ahead(&call);
        self.calls.push(call);
    }

    /// The answer has begun, if it had not. What is to be written into.
    fn answered(&mut self, call: &mut Call) -> Tape {
        if let State::Answered(_, tape) = &call.state {
            return tape.clone();
        }
        let tape = Tape::default();
        let kind = if call.ask.kind == Kind::Stream { "text/event-stream" } else { "application/json" };
        call.script.cue(Cue::Answer(200, kind, tape.clone()));
        let answer = self.answer(call).expect("an answer");
        assert_eq!(answer.status(), 200);
        call.state = State::Answered(Box::new(answer.into_body()), tape.clone());
        tape
    }

    fn answer(&mut self, call: &mut Call) -> Result<Answer, attach_core::BoxError> {
        let State::Waiting(pending) = &mut call.state else { panic!("answered already") };
        let Poll::Ready(answer) = poll(pending) else { panic!("the service has its cue") };
        assert!(self.hear(call).is_none());
        answer
    }

    /// An error before there was an answer.
    fn refused_within(&mut self, call: &mut Call, act: Act, unary: bool) {
        let tape = Tape::default();
        tape.end();
        call.script.cue(match act {
            Act::Fail => Cue::Broken,
            Act::Reject => Cue::Rejected,
            _ if unary => Cue::Answer(500, "application/json", tape.clone()),
            _ => Cue::Answer(503, "text/plain", tape.clone()),
        });
        if let Ok(answer) = self.answer(call) {
            call.state = State::Answered(Box::new(answer.into_body()), tape);
            self.read(call);
        }
    }

    fn read(&mut self, call: &mut Call) -> bool {
        let State::Answered(body, _) = &mut call.state else { panic!("nothing to read") };
        let over = read(body);
        assert!(self.hear(call).is_none());
        over
    }

    /// The call ended. It broke off without output if `nothing`; nobody said what it used if there is no `input`.
    fn over(&mut self, mut call: Call, nothing: Option<bool>, mut used: Used) {
        let state = std::mem::replace(&mut call.state, State::Waiting(Box::pin(std::future::pending())));
        drop(state);
        assert!(self.hear(&mut call).is_none());
        let Some(account) = &call.account else { return };
        assert!(account.closed, "never settled");
        if nothing == Some(true) {
            used = Used::default();
        } else if used.input == 0 {
            used.input = account.estimate.input;
        }
        for held in account.held.iter().flatten() {
            let limit = &self.scene.limits[held.applied.limit];
            let due = match limit.unit {
                _ if held.passed_over => 0,
                Unit::Concurrent => 0,
                _ => amount(self.scene, limit, &call.ask, used).expect("it was reserved for"),
            };
            assert_eq!(held.booked, due, "{limit:?} for {used:?}");
        }
        let places: Vec<_> = account.held.iter().flatten().map(|held| held.applied.place.clone()).collect();
        places.iter().for_each(|place| self.stands(place));
    }
}

/// Ends the answer, and says what it used.
fn finish(tape: &Tape, kind: Kind, usage: Option<(u64, u64, u64)>, streamed: u64) -> Used {
    let (input, output, cached) = match kind {
        Kind::Embed => (usage.unwrap_or((11, 0, 0)).0, 0, 0),
        _ => usage.unwrap_or((11, 17, 5)),
    };
    let details = format!("\"prompt_tokens_details\":{{\"cached_tokens\":{cached}}}");
    let report = format!(
        "{{\"choices\":[],\"usage\":{{\"prompt_tokens\":{input},\"completion_tokens\":{output},{details}}}}}"
    );
    match (kind, usage) {
        (Kind::Stream, None) => {
            tape.write("data: [DONE]\n\n".to_owned());
            tape.end();
            return Used { output: streamed, ..Used::default() };
        }
        (Kind::Stream, Some(_)) => tape.write(format!("data: {report}\n\ndata: [DONE]\n\n")),
        (Kind::Embed, _) => tape.write(format!("{{\"data\":[],\"usage\":{{\"prompt_tokens\":{input}}}}}")),
        (Kind::Chat | Kind::List, _) => tape.write(report),
    }
    tape.end();
    Used { input, output, cached }
}

/// The time until so many nanoseconds before or after the next midnight UTC.
fn to_midnight(now: Now, offset: i64) -> Duration {
    let since_epoch = Duration::from_secs(now.epoch) + Duration::from_nanos(now.nanos);
    let midnight = Duration::from_secs((since_epoch.as_secs() / 86_400 + 1) * 86_400);
    let shift = Duration::from_nanos(offset.unsigned_abs());
    let then = if offset < 0 { midnight - shift } else { midnight + shift };
    then.saturating_sub(since_epoch)
}
