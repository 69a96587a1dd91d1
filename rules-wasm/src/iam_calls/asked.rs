//! What was asked of IAM before: the releases that a controller may be of have most questions in common.

use std::cell::RefCell;

use super::Actor;
use karpcheck_sdk::prelude::*;

#[derive(Default)]
struct Answers {
    /// Who asks: the principal, and the controller.
    of: Option<(Item, Item)>,
    known: Vec<(Request, Decision)>,
}

thread_local! {
    static ANSWERS: RefCell<Answers> = RefCell::default();
}

impl Actor {
    /// The answer to a request, which is the one that was given before where the very same was asked.
    pub(super) fn decided(&self, request: Request) -> Decision {
        // A request names the class that it is made for, and is made once for it.
        if self.class.is_some() {
            return request.decide();
        }
        let of = (self.principal, self.controller);
        let known = ANSWERS.with_borrow_mut(|answers| {
            if answers.of != Some(of) {
                *answers = Answers { of: Some(of), known: vec![] };
            }
            answers.known.iter().find(|(asked, _)| *asked == request).map(|(_, decision)| decision.clone())
        });
        known.unwrap_or_else(|| {
            let decision = request.clone().decide();
            ANSWERS.with_borrow_mut(|answers| answers.known.push((request, decision.clone())));
            decision
        })
    }
}
