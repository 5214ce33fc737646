//! Conditions: the same language, with facts for attributes, and groups by our names.

use serde_json::{Map, Value, json};

use super::Book;

/// What GrowthBook's own SDKs fill in, and what it is here.
const USUAL: [(&str, &str); 14] = [
    ("id", "visitor.id"),
    ("deviceId", "visitor.id"),
    ("country", "place.country"),
    ("region", "place.region"),
    ("city", "place.city"),
    ("browser", "device.browser"),
    ("deviceType", "device.kind"),
    ("path", "url.path"),
    ("host", "url.host"),
    ("utmSource", "campaign.source"),
    ("utmMedium", "campaign.medium"),
    ("utmCampaign", "campaign.name"),
    ("utmTerm", "campaign.term"),
    ("utmContent", "campaign.content"),
];

impl Book {
    /// The fact for an attribute.
    pub(super) fn fact(&mut self, attribute: &str) -> String {
        if let Some(fact) = self.attributes.get(attribute) {
            return fact.clone();
        }
        let usual = USUAL.iter().find(|(known, _)| *known == attribute);
        if let Some((_, fact)) = usual {
            return (*fact).to_owned();
        }
        let usable = |character: char| character.is_ascii_graphic() && character != '$';
        let plain: String =
            attribute.chars().map(|character| if usable(character) { character } else { '-' }).collect();
        let fact: String = format!("trait.{plain}").chars().take(128).collect();
        if fact != format!("trait.{attribute}") {
            self.lack(
                format!("attribute {attribute}"),
                "its name cannot be one of a fact; the nearest one stands for it",
            );
        }
        self.facts.entry(fact.clone()).or_insert_with(|| json!({ "type": "any" }));
        fact
    }

    /// A condition. Depth is bounded by what is read as JSON.
    pub(super) fn condition(&mut self, condition: &Value) -> Value {
        let Some(members) = condition.as_object() else { return condition.clone() };
        let mut translated = Map::new();
        for (name, value) in members {
            match name.as_str() {
                "$and" | "$or" | "$nor" => {
                    let list = value.as_array().into_iter().flatten();
                    let list: Vec<Value> = list.map(|part| self.condition(part)).collect();
                    translated.insert(name.clone(), Value::from(list));
                }
                "$not" => {
                    let part = self.condition(value);
                    translated.insert(name.clone(), part);
                }
                attribute => {
                    let fact = self.fact(attribute);
                    let test = self.test(value);
                    translated.insert(fact, test);
                }
            }
        }
        Value::Object(translated)
    }

    /// What is asked of one attribute: the operators are ours, but for the names of groups.
    fn test(&mut self, test: &Value) -> Value {
        let Some(operators) = test.as_object() else { return test.clone() };
        let mut translated = Map::new();
        for (operator, operand) in operators {
            let operand = match (operator.as_str(), operand) {
                ("$inGroup" | "$notInGroup", Value::String(group)) => {
                    Value::from(self.names.of("group", group))
                }
                ("$not", operand) => self.test(operand),
                (_, operand) => operand.clone(),
            };
            translated.insert(operator.clone(), operand);
        }
        Value::Object(translated)
    }
}
