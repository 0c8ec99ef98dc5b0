//! One request, step by step: taken apart, asked about, redacted.

use attach_core::json::{Document, Edit};
use attach_core::{Exchange, Rejection};

use crate::inspect::inspect;
use crate::offload::{Elsewhere, LARGE, perform};
use crate::request::{Prepared, Whose};
use crate::vault::Vault;
use crate::{RedactLayer, Redactor, Scope};

/// What `splice` makes of the edits that a request needs, and what it takes to restore the answer. A body of so many `bytes`
/// is worked on elsewhere if it is large and there is an elsewhere.
pub(crate) async fn redact<T: Send + 'static>(
    layer: &RedactLayer,
    exchange: &Exchange,
    bytes: usize,
    prepare: impl FnOnce(&Redactor) -> Result<Prepared, Rejection> + Send + 'static,
    splice: impl FnOnce(&Document, &[Edit]) -> Result<T, Rejection> + Send + 'static,
) -> Result<(T, Vault), Rejection> {
    let (redactor, scope) = (layer.redactor().clone(), scope(exchange));
    let whose = Whose { scope: scope.clone(), budget: layer.budget_of_one() };
    let offload = layer.elsewhere().filter(|_| bytes > LARGE || redactor.is_slow());
    let elsewhere = offload.map(|offload| Elsewhere { offload, whose: &scope, bytes });
    let elsewhere = elsewhere.as_ref();
    let (by, noted) = (redactor.clone(), exchange.clone());
    let finish = move |prepared: Prepared| {
        let document = prepared.document().clone();
        let (edits, vault) = prepared.redact(&by, &whose, &noted)?;
        Ok((splice(&document, &edits)?, vault))
    };
    if redactor.inspectors().is_empty() {
        return perform(elsewhere, move || finish(prepare(&redactor)?)).await;
    }
    let by = redactor.clone();
    let mut prepared = perform(elsewhere, move || prepare(&by)).await?;
    inspect(&redactor, &mut prepared, exchange).await?;
    perform(elsewhere, move || finish(prepared)).await
}

/// Whose placeholders these are.
pub(crate) fn scope(exchange: &Exchange) -> Scope {
    exchange.identity().map_or_else(Scope::anonymous, |identity| Scope::from(&**identity))
}
