//! Names and values as the inside of a JSON object, each name once.

use serde::ser::{Error as _, Impossible, SerializeMap, SerializeStruct};
use serde::{Serialize, Serializer};

/// Names that the logger itself writes; a field of such a name gets a `_` behind it.
const RESERVED: [&str; 7] = ["timestamp", "level", "service", "message", "target", "thread", "spans"];

/// Members of a JSON object, each with a comma before it.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    pub(crate) text: Vec<u8>,
    members: Vec<Member>,
}

/// Where a member stands in the text.
#[derive(Debug, Clone, Copy)]
struct Member {
    /// Its comma.
    begin: usize,
    /// Its name, as JSON, quotes and all.
    name_end: usize,
    end: usize,
}

impl Fields {
    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.members.clear();
    }

    /// Writes a value of this name, unless there is one already: the first counts.
    pub(crate) fn put(&mut self, name: &str, value: &(impl Serialize + ?Sized)) -> Result<(), serde_json::Error> {
        let begin = self.text.len();
        self.text.push(b',');
        serde_json::to_writer(&mut self.text, name)?;
        if RESERVED.contains(&name) {
            self.text.pop();
            self.text.extend_from_slice(b"_\"");
        }
        self.finish_member(begin, value)
    }

    /// The same with a name of the caller's own making.
    fn put_with_key(
        &mut self,
        key: &(impl Serialize + ?Sized),
        value: &(impl Serialize + ?Sized),
    ) -> Result<(), serde_json::Error> {
        // What stands as a name in JSON is a string: serde_json knows how numbers and such become one.
        let key = serde_json::to_value(key)?;
        match key {
            serde_json::Value::String(name) => self.put(&name, value),
            serde_json::Value::Number(_) | serde_json::Value::Bool(_) => self.put(&key.to_string(), value),
            _ => Err(serde_json::Error::custom("the name of a field is no text")),
        }
    }

    /// The name stands behind `begin`: its value follows, or all of it goes again.
    fn finish_member(&mut self, begin: usize, value: &(impl Serialize + ?Sized)) -> Result<(), serde_json::Error> {
        let name_end = self.text.len();
        if self.has(begin + 1, name_end) {
            self.text.truncate(begin);
            return Ok(());
        }
        self.text.push(b':');
        if let Err(error) = serde_json::to_writer(&mut self.text, value) {
            self.text.truncate(begin);
            return Err(error);
        }
        self.members.push(Member { begin, name_end, end: self.text.len() });
        Ok(())
    }

    fn has(&self, from: usize, to: usize) -> bool {
        let name = self.text.get(from..to);
        self.members.iter().any(|member| self.text.get(member.begin + 1..member.name_end) == name)
    }

    /// Adds those members of another that this one does not have; the last of a name counts.
    pub(crate) fn add_missing(&mut self, other: &Self) {
        for member in other.members.iter().rev() {
            let Some(name) = other.text.get(member.begin + 1..member.name_end) else { continue };
            let known = |own: &Member| self.text.get(own.begin + 1..own.name_end) == Some(name);
            if self.members.iter().any(known) {
                continue;
            }
            let begin = self.text.len();
            self.text.extend_from_slice(other.text.get(member.begin..member.end).unwrap_or_default());
            let name_end = begin + (member.name_end - member.begin);
            self.members.push(Member { begin, name_end, end: self.text.len() });
        }
    }

    /// Lets a name be written again. Its old value stays in the text, where [`Fields::add_missing`] passes over it.
    #[cfg(feature = "tracing")]
    pub(crate) fn forget(&mut self, name: &str) {
        let text = &self.text;
        let is = |member: &Member| {
            let stands = text.get(member.begin + 2..member.name_end.saturating_sub(1)).unwrap_or_default();
            stands == name.as_bytes()
                || (RESERVED.contains(&name) && stands.strip_suffix(b"_") == Some(name.as_bytes()))
        };
        self.members.retain(|member| !is(member));
    }

    /// Writes the members of a map or struct. Unit and `None` have none.
    pub(crate) fn put_all(&mut self, fields: &(impl Serialize + ?Sized)) -> Result<(), serde_json::Error> {
        fields.serialize(Members(self))
    }
}

/// Takes a map or a struct apart.
struct Members<'f>(&'f mut Fields);

/// The members of a map while they come in.
struct MapMembers<'f> {
    fields: &'f mut Fields,
    key: Option<serde_json::Value>,
}

type Nothing = Impossible<(), serde_json::Error>;

fn no_object<T>() -> Result<T, serde_json::Error> {
    Err(serde_json::Error::custom("fields are a map or a struct"))
}

macro_rules! refuse {
    ($($method:ident: $type:ty),*) => {
        $(fn $method(self, _value: $type) -> Result<(), Self::Error> { no_object() })*
    };
}

impl<'f> Serializer for Members<'f> {
    type Ok = ();
    type Error = serde_json::Error;
    type SerializeSeq = Nothing;
    type SerializeTuple = Nothing;
    type SerializeTupleStruct = Nothing;
    type SerializeTupleVariant = Nothing;
    type SerializeMap = MapMembers<'f>;
    type SerializeStruct = Members<'f>;
    type SerializeStructVariant = Nothing;

    refuse!(
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_f32: f32,
        serialize_f64: f64, serialize_char: char, serialize_str: &str, serialize_bytes: &[u8]
    );

    fn serialize_none(self) -> Result<(), Self::Error> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Self::Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Self::Error> {
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), Self::Error> {
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Result<(), Self::Error> {
        no_object()
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Self::Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Self::Error> {
        self.0.put(variant, value)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Nothing, Self::Error> {
        no_object()
    }

    fn serialize_tuple(self, _: usize) -> Result<Nothing, Self::Error> {
        no_object()
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Nothing, Self::Error> {
        no_object()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Nothing, Self::Error> {
        no_object()
    }

    fn serialize_map(self, _: Option<usize>) -> Result<MapMembers<'f>, Self::Error> {
        Ok(MapMembers { fields: self.0, key: None })
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Self::Error> {
        Ok(self)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Nothing, Self::Error> {
        no_object()
    }
}

impl SerializeStruct for Members<'_> {
    type Ok = ();
    type Error = serde_json::Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Self::Error> {
        self.0.put(name, value)
    }

    fn end(self) -> Result<(), Self::Error> {
        Ok(())
    }
}

impl SerializeMap for MapMembers<'_> {
    type Ok = ();
    type Error = serde_json::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Self::Error> {
        self.key = Some(serde_json::to_value(key)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Self::Error> {
        match self.key.take() {
            Some(key) => self.fields.put_with_key(&key, value),
            None => no_object(),
        }
    }

    fn serialize_entry<K, V>(&mut self, key: &K, value: &V) -> Result<(), Self::Error>
    where
        K: Serialize + ?Sized,
        V: Serialize + ?Sized,
    {
        let fields = &mut *self.fields;
        let begin = fields.text.len();
        fields.text.push(b',');
        let written = serde_json::to_writer(&mut fields.text, key);
        let name = fields.text.get(begin + 2..fields.text.len().saturating_sub(1)).unwrap_or_default();
        let plain = written.is_ok() && fields.text.get(begin + 1) == Some(&b'"');
        if plain && !RESERVED.iter().any(|reserved| reserved.as_bytes() == name) {
            return fields.finish_member(begin, value);
        }
        // A reserved name, or none that is text.
        fields.text.truncate(begin);
        fields.put_with_key(key, value)
    }

    fn end(self) -> Result<(), Self::Error> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::*;

    fn object(fields: &Fields) -> Value {
        let text = String::from_utf8(fields.text.clone()).unwrap();
        serde_json::from_str(&format!("{{{}}}", text.trim_start_matches(','))).unwrap()
    }

    #[test]
    fn maps_and_structs_become_members() {
        #[derive(Serialize)]
        struct Paid<'a> {
            amount: f64,
            currency: &'a str,
        }
        for given in [
            serde_json::to_value(Paid { amount: 1.5, currency: "EUR" }).unwrap(),
            json!({"amount": 1.5, "currency": "EUR"}),
        ] {
            let mut fields = Fields::default();
            fields.put_all(&given).unwrap();
            assert_eq!(object(&fields), json!({"amount": 1.5, "currency": "EUR"}));
        }
        let mut fields = Fields::default();
        fields.put_all(&Some(Paid { amount: 1.5, currency: "\"" })).unwrap();
        fields.put_all(&BTreeMap::from([(7, true)])).unwrap();
        fields.put_all(&()).unwrap();
        fields.put_all(&None::<()>).unwrap();
        assert_eq!(object(&fields), json!({"amount": 1.5, "currency": "\"", "7": true}));
    }

    #[test]
    fn the_first_of_a_name_counts_and_reserved_names_are_marked() {
        let mut fields = Fields::default();
        fields.put_all(&json!({"a": 1, "message": "mine", "level": 3})).unwrap();
        fields.put("a", &2).unwrap();
        let mut more = Fields::default();
        more.put_all(&json!({"a": 3, "b": 4})).unwrap();
        fields.add_missing(&more);
        assert_eq!(object(&fields), json!({"a": 1, "b": 4, "message_": "mine", "level_": 3}));
    }

    #[test]
    fn what_is_no_object_is_refused_and_leaves_nothing() {
        let mut fields = Fields::default();
        for value in [json!(1), json!("text"), json!([1]), json!(true)] {
            assert!(fields.put_all(&value).is_err());
        }
        assert!(fields.put_all(&BTreeMap::from([(vec![1], 1)])).is_err());
        assert!(fields.text.is_empty());
    }
}
