// What a reader of XML makes of the references that files of phones have.

const REFERENCES = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", '#39': "'" };

/** A text or an attribute as it is meant; a reference that is none of these stays as it is written. */
export const unescapeXml = (text) => text.replace(/&(#?\w+);/g, (reference, name) => REFERENCES[name] ?? reference);
