//! What a decision was made from, for whoever explains it. A phone's own request keeps nothing of it.

use std::rc::Rc;

use ringfence_provision::kind::Form;
use ringfence_provision::url_template::Resolved;

use crate::edge::CachedTenant;
use crate::files::inputs::FileInputs;
use crate::model::published::FileMeta;
use crate::store::file_inputs::Forward;

/// A copy of a file in KV that was looked at.
#[derive(Clone, Debug)]
pub struct Copy {
    pub form: Form,
    pub meta: FileMeta,
}

/// What was seen on the way to a decision.
#[derive(Default)]
pub struct Facts {
    /// The tenant behind the access path, and whether KV had it.
    pub tenant: Option<(Rc<CachedTenant>, bool)>,
    /// What the name asks for.
    pub named: Option<Resolved>,
    /// Copies in KV that are for whoever asks, in the order in which they were looked at.
    pub copies: Vec<Copy>,
    /// Whether one of them is what goes out.
    pub came_from_kv: bool,
    /// What the file is made from, where that was read. Settings and templates are missing of a phone that
    /// is refused.
    pub inputs: Option<FileInputs>,
    /// Where the phone of a device that left the tenant is sent on to.
    pub forward: Option<Forward>,
}
