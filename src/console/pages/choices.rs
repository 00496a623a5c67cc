//! What forms offer to choose from: the sites and models of a tenant.

use ringfence_console::data::{Listed, Model, Site};
use ringfence_console::problem::Problem;

use crate::console::visit::Visit;

/// Most sites, and most models, that a form offers.
const CHOICES: &[(&str, &str)] = &[("limit", "200")];

/// The sites of the tenant.
pub async fn sites(visit: &Visit) -> Result<Vec<Site>, Problem> {
    let list: Listed<Site> = visit.get(&visit.of_tenant("/sites"), CHOICES).await?;
    Ok(list.items)
}

/// The models of the tenant.
pub async fn models(visit: &Visit) -> Result<Vec<Model>, Problem> {
    let list: Listed<Model> = visit.get(&visit.of_tenant("/models"), CHOICES).await?;
    Ok(list.items)
}
