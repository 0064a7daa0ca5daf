//! Picking fields of an event.

use jiter::{Jiter, JiterResult, Peek};

use crate::names;

/// The event with only these paths. What is kept is kept as sent: order, nesting, spelling of values. Of
/// arrays with objects on the way, the objects keep what is asked for. A canonical field is kept under
/// the name it was sent as. An event that is no JSON comes back as it is.
pub fn project(fields: &[String], json: &str) -> String {
    let mut wanted: Vec<&str> = Vec::new();
    for field in fields {
        wanted.push(field);
        wanted.extend(names::names_of(field).iter().skip(1));
    }
    let mut out = String::with_capacity(json.len().min(256));
    match pick(&mut Jiter::new(json.as_bytes()), json, &wanted, &mut out) {
        Ok(true) => out,
        Ok(false) => "{}".to_owned(),
        Err(_) => json.to_owned(),
    }
}

/// Appends what is wanted of the value here; whether that was anything. Nothing is appended otherwise.
fn pick(jiter: &mut Jiter<'_>, json: &str, wanted: &[&str], out: &mut String) -> JiterResult<bool> {
    let peek = jiter.peek()?;
    let start_of_out = out.len();
    match peek {
        Peek::Object => {
            let mut any = false;
            let mut below: Vec<&str> = Vec::new();
            let mut key = jiter.known_object()?.map(|key| (select(key, wanted, &mut below), quoted(key)));
            while let Some((is_whole, name)) = key {
                let before = out.len();
                out.push(if any { ',' } else { '{' });
                out.push_str(&name);
                out.push(':');
                let kept = if is_whole {
                    copy(jiter, json, out)?;
                    true
                } else if below.is_empty() {
                    jiter.next_skip()?;
                    false
                } else {
                    pick(jiter, json, &below, out)?
                };
                if kept {
                    any = true;
                } else {
                    out.truncate(before);
                }
                key = jiter.next_key()?.map(|key| (select(key, wanted, &mut below), quoted(key)));
            }
            if any {
                out.push('}');
            }
            Ok(any)
        }
        Peek::Array => {
            let mut any = false;
            let mut next = jiter.known_array()?;
            while next.is_some() {
                let before = out.len();
                out.push(if any { ',' } else { '[' });
                if pick(jiter, json, wanted, out)? {
                    any = true;
                } else {
                    out.truncate(before);
                }
                next = jiter.array_step()?;
            }
            if any {
                out.push(']');
            }
            Ok(any)
        }
        _ => {
            jiter.known_skip(peek)?;
            out.truncate(start_of_out);
            Ok(false)
        }
    }
}

/// Whether a key is wanted whole; else `below` is what is wanted of its value.
fn select<'w>(key: &str, wanted: &[&'w str], below: &mut Vec<&'w str>) -> bool {
    below.clear();
    for name in wanted {
        match name.strip_prefix(key) {
            Some("") => return true,
            Some(rest) => below.extend(rest.strip_prefix('.')),
            None => {}
        }
    }
    false
}

fn copy(jiter: &mut Jiter<'_>, json: &str, out: &mut String) -> JiterResult<()> {
    jiter.peek()?;
    let start = jiter.current_index();
    jiter.next_skip()?;
    out.push_str(json.get(start..jiter.current_index()).unwrap_or("null"));
    Ok(())
}

fn quoted(key: &str) -> String {
    let mut json = String::with_capacity(key.len() + 2);
    trawl_event::restore::push_string(key, &mut json);
    json
}

#[cfg(test)]
mod tests {
    use super::project;

    fn kept(fields: &[&str], json: &str) -> String {
        project(&fields.iter().map(|field| field.to_string()).collect::<Vec<_>>(), json)
    }

    #[test]
    fn paths_keep_their_nesting_and_spelling() {
        let json = r#"{"a": {"b": 1.50, "c":[1, 2]}, "d":null,"e.f":{"g":"\u00e9"},"h":[{"i":1,"j":2},{"j":3},4]}"#;
        assert_eq!(kept(&["a.b", "d"], json), r#"{"a":{"b":1.50},"d":null}"#);
        assert_eq!(kept(&["a"], json), r#"{"a":{"b": 1.50, "c":[1, 2]}}"#);
        assert_eq!(kept(&["e.f.g", "h.i"], json), r#"{"e.f":{"g":"\u00e9"},"h":[{"i":1}]}"#);
        assert_eq!(kept(&["x", "a.x", "d.x"], json), "{}");
    }

    #[test]
    fn a_canonical_field_is_kept_under_the_name_it_was_sent_as() {
        let json = r#"{"ts":1700000000,"msg":"x","severity":"warn","service":{"name":"s"}}"#;
        assert_eq!(kept(&["timestamp", "message"], json), r#"{"ts":1700000000,"msg":"x"}"#);
        assert_eq!(kept(&["level"], json), r#"{"severity":"warn"}"#);
    }

    #[test]
    fn what_is_no_json_comes_back() {
        assert_eq!(kept(&["a"], "{\"a\":"), "{\"a\":");
    }
}
