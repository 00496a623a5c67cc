//! Settings that reach no file, as answers list them.

use ringfence_provision::kind::FileKind;
use ringfence_provision::layers::{Layer, LayerSettings};
use ringfence_provision::serving::Audience;
use ringfence_provision::unused::{FileSource, Unused, Watch};
use ringfence_provision::vendor::{EVENT_SETTINGS, is_read_by_carrier};
use ringfence_queue::target;

use crate::files::inputs::FileInputs;
use crate::files::render::{self, File};
use crate::model::tenant::TenantOptions;

/// The most unused settings that are listed.
const MAX_UNUSED: usize = 100;

/// Looks for the settings of a layer that are for files.
pub fn watch(layer: Layer, settings: &LayerSettings) -> Watch {
    let names = settings.keys().map(String::as_str);
    Watch::new(
        layer,
        names.filter(|name| !target::is_read(name, EVENT_SETTINGS) && !is_read_by_carrier(name)),
    )
}

/// What was not seen, by the files of the devices in question, each with its template.
pub fn of_files<'a>(
    watch: &Watch,
    files: impl Iterator<Item = (FileKind, Audience, &'a str)>,
) -> Vec<Unused> {
    let files: Vec<FileSource<'_>> = files
        .map(|(kind, audience, template)| FileSource {
            kind,
            layers: render::layers_of(kind, audience),
            template,
        })
        .collect();
    let mut unused = watch.unused(&files);
    unused.truncate(MAX_UNUSED);
    unused
}

/// Which settings of all layers reach none of a device's files. `audience` says for whom a file is
/// at the name that the phone is told.
pub fn of_device(
    inputs: &FileInputs,
    options: &TenantOptions,
    audience: impl Fn(FileKind) -> Audience,
    files: &[(FileKind, File)],
) -> Vec<Unused> {
    let sources = || {
        let kinds = inputs.family.kinds().iter().copied();
        kinds
            .filter(|kind| !options.audiences(*kind, inputs.family).is_empty())
            .map(|kind| {
                let written = inputs.templates.get(&kind);
                let builtin = || inputs.family.template(kind);
                (
                    kind,
                    audience(kind),
                    written.map_or_else(builtin, String::as_str),
                )
            })
    };
    let layers = Layer::ALL.into_iter();
    let mut unused: Vec<Unused> = layers
        .flat_map(|layer| {
            let mut watch = watch(layer, inputs.layers.layer(layer));
            for (kind, file) in files {
                watch.saw(render::layers_of(*kind, audience(*kind)), &file.used);
            }
            of_files(&watch, sources())
        })
        .collect();
    unused.truncate(MAX_UNUSED);
    unused
}
