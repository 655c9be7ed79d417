// SPDX-License-Identifier: GPL-2.0

//! `#[cfg(…)]` in the kernel: about its configuration.

use crate::kconfig::Options;
use anyhow::{bail, ensure, Result};
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, Lit, Meta, MetaList, Token};

/// Whether all conditions among these attributes hold.
pub fn holds(attributes: &[Attribute], config: &Options) -> Result<bool> {
    for attribute in attributes.iter().filter(|a| a.path().is_ident("cfg")) {
        if !is_true(&attribute.parse_args()?, config)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_true(condition: &Meta, config: &Options) -> Result<bool> {
    match condition {
        Meta::Path(path) => {
            let value = value(path, config)?;
            Ok(matches!(value, Some("y" | "m")))
        }
        Meta::NameValue(pair) => {
            let wanted = match &pair.value {
                Expr::Lit(literal) => match &literal.lit {
                    Lit::Str(text) => text.value(),
                    _ => bail!("a condition that is no text"),
                },
                _ => bail!("a condition that is no text"),
            };
            Ok(value(&pair.path, config)? == Some(wanted.as_str()))
        }
        Meta::List(list) => combined(list, config),
    }
}

fn combined(list: &MetaList, config: &Options) -> Result<bool> {
    let parts = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)?;
    let parts: Vec<bool> = parts
        .iter()
        .map(|part| is_true(part, config))
        .collect::<Result<_>>()?;
    match list.path.get_ident().map(ToString::to_string).as_deref() {
        Some("all") => Ok(parts.iter().all(|part| *part)),
        Some("any") => Ok(parts.iter().any(|part| *part)),
        Some("not") => Ok(!parts.iter().any(|part| *part)),
        _ => bail!("a condition that is none of all(), any() and not()"),
    }
}

/// What a symbol is set to, if it is set.
fn value<'a>(path: &syn::Path, config: &'a Options) -> Result<Option<&'a str>> {
    let name = path.get_ident().map(ToString::to_string);
    let name = name.unwrap_or_default();
    let symbol = name.strip_prefix("CONFIG_");
    ensure!(symbol.is_some(), "#[cfg({name})] is not of the kernel");
    let value = symbol.and_then(|symbol| config.get(symbol));
    Ok(value.map(String::as_str).filter(|value| *value != "n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kconfig;

    #[test]
    fn conditions() -> Result<()> {
        let config = kconfig::parse("CONFIG_A=y\nCONFIG_M=m\n# CONFIG_N is not set\n");
        for (condition, wanted) in [
            ("CONFIG_A", true),
            ("CONFIG_M", true),
            ("CONFIG_N", false),
            ("CONFIG_NONE", false),
            ("CONFIG_A = \"y\"", true),
            ("CONFIG_M = \"y\"", false),
            ("all(CONFIG_A, CONFIG_M)", true),
            ("all(CONFIG_A, CONFIG_N)", false),
            ("any(CONFIG_N, CONFIG_A)", true),
            ("any()", false),
            ("not(all(CONFIG_A, not(CONFIG_N)))", false),
        ] {
            let meta: Meta = syn::parse_str(condition)?;
            assert_eq!(is_true(&meta, &config)?, wanted, "{condition}");
        }
        for unknown in ["test", "target_arch = \"x86_64\"", "some(CONFIG_A)"] {
            let meta: Meta = syn::parse_str(unknown)?;
            assert!(is_true(&meta, &config).is_err(), "{unknown}");
        }
        Ok(())
    }
}
