//! The flow of receiving as a table, made by walking the core's state machine.

use clarife_webhooks::flow::{Outcome, Step, Transition, is_server_error};
use clarife_webhooks::{ErrorCode, WebhookError, WebhookResponse};

/// A step with the consequences of each outcome that it can have.
pub(super) type Row = (Step, Vec<(Outcome, Transition)>);

/// Returns the steps that a driver can reach, in the order in which it takes them.
pub(super) fn table() -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut ahead = vec![Step::start(true), Step::start(false)];
    while !ahead.is_empty() {
        let step = ahead.remove(0);
        if rows.iter().any(|(known, _)| *known == step) {
            continue;
        }
        let row: Vec<_> =
            Outcome::ALL.into_iter().filter_map(|outcome| Some((outcome, step.after(outcome)?))).collect();
        let next: Vec<Step> = row.iter().filter_map(|(_, transition)| transition.next).collect();
        ahead.splice(0..0, next);
        rows.push((step, row));
    }
    rows
}

/// Returns the members of a transition that are set: names and values.
pub(super) fn members(transition: &Transition) -> Vec<(&'static str, &'static str)> {
    let report = transition.report.map(|report| ("report", report.code()));
    let response = transition.response.as_ref().map(|response| ("response", response.code()));
    let next = transition.next.map(|step| ("next", step.name()));
    [report, response, next].into_iter().flatten().collect()
}

/// Returns the codes of the errors that are the server's own.
pub(super) fn server_errors() -> Vec<&'static str> {
    let refused = ErrorCode::ALL.into_iter().map(|code| (code.as_str(), code.status()));
    let others = WebhookResponse::ALL.into_iter().map(|response| (response.code(), response.status()));
    refused.chain(others).filter(|(_, status)| is_server_error(*status)).map(|(code, _)| code).collect()
}

/// Returns the headers of the response to a delivery that is refused.
pub(super) fn headers() -> &'static [(&'static str, &'static str)] {
    WebhookResponse::from(WebhookError::from(ErrorCode::MissingSignature)).headers()
}
