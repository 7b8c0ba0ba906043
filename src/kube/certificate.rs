//! Reads of an X.509 certificate what is needed to know who has signed it.

use crate::kube::object::decode_base64;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// The tags of DER.
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;

/// Whether a text is certificates and nothing else: they are public.
pub(crate) fn is_public(pem: &str) -> bool {
    let pem = pem.trim();
    pem.starts_with(BEGIN) && pem.ends_with(END) && !pem.contains("PRIVATE KEY")
}

/// A certificate. The names are DER.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Certificate {
    issuer: Vec<u8>,
    subject: Vec<u8>,
    whole: Vec<u8>,
}

impl Certificate {
    /// The certificates of a PEM text; those that cannot be read are left out.
    pub(crate) fn all(pem: &str) -> Vec<Self> {
        let mut found = Vec::new();
        let mut rest = pem;
        while let Some((_, behind)) = rest.split_once(BEGIN) {
            let Some((body, behind)) = behind.split_once(END) else { break };
            rest = behind;
            found.extend(decode_base64(body).and_then(|der| Self::of(&der)));
        }
        found
    }

    /// RFC 5280, section 4.1: serial number, algorithm, issuer, validity, subject.
    fn of(der: &[u8]) -> Option<Self> {
        let mut fields = element(element(der)?.of(SEQUENCE)?)?.of(SEQUENCE)?;
        let mut next = || {
            let field = element(fields)?;
            fields = field.rest;
            Some(field)
        };
        let first = next()?;
        if first.tag == VERSION {
            next()?;
        }
        let _algorithm = next()?;
        let issuer = next()?.of(SEQUENCE)?.to_vec();
        let _validity = next()?;
        let subject = next()?.of(SEQUENCE)?.to_vec();
        Some(Self { issuer, subject, whole: der.to_vec() })
    }

    /// Whether the other one, or one of its name, has signed this one, or is this one.
    pub(crate) fn belongs_to(&self, ca: &Self) -> bool {
        self.whole == ca.whole || self.issuer == ca.subject
    }
}

/// A value of DER, and what is behind it.
struct Element<'d> {
    tag: u8,
    content: &'d [u8],
    rest: &'d [u8],
}

impl<'d> Element<'d> {
    /// Its content, if this is its tag.
    fn of(&self, tag: u8) -> Option<&'d [u8]> {
        (self.tag == tag).then_some(self.content)
    }
}

/// The first value; `None` where the bytes end in the middle of it.
fn element(der: &[u8]) -> Option<Element<'_>> {
    let [tag, length, rest @ ..] = der else { return None };
    let (length, rest) = match length {
        0..=0x7f => (usize::from(*length), rest),
        // The length follows in that many bytes; three are more than any certificate has.
        0x81..=0x83 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            (bytes.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some(Element { tag: *tag, content, rest })
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD, Engine};

    use super::*;

    const CA: &str = include_str!("../../tests/certificates/ca.crt");
    const WEB: &str = include_str!("../../tests/certificates/web.crt");
    const OTHER: &str = include_str!("../../tests/certificates/other.crt");

    #[test]
    fn a_certificate_belongs_to_the_one_that_has_signed_it() {
        let read = |pem: &str| Certificate::all(pem).pop().expect("a certificate");
        let [ca, web, other] = [CA, WEB, OTHER].map(read);
        assert!(web.belongs_to(&ca) && ca.belongs_to(&ca));
        assert!(!web.belongs_to(&other) && !ca.belongs_to(&web));
        assert_eq!(Certificate::all(&format!("{CA}text\n{WEB}")), [ca, web]);
    }

    #[test]
    fn what_is_no_certificate_is_none() {
        let der =
            BASE64_STANDARD.decode(CA.lines().filter(|line| !line.starts_with('-')).collect::<String>());
        let der = der.expect("base64");
        for length in 0..der.len() {
            let cut = format!("{BEGIN}\n{}\n{END}\n", BASE64_STANDARD.encode(&der[..length]));
            assert!(Certificate::all(&cut).is_empty(), "{length} bytes");
        }
        for text in ["", "canary", BEGIN, &format!("{BEGIN}{END}"), &format!("{BEGIN}*{END}")] {
            assert!(Certificate::all(text).is_empty(), "{text}");
        }
    }
}
