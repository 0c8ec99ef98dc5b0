//! Keys in a table for people.

use serde_json::Value;

/// The longest text of others that is shown, in characters.
const LONGEST: usize = 300;

/// A line for each key, under a line of names.
pub(super) fn table(keys: &[Value], owners: bool) -> String {
    let mut names = vec!["ID", "BEGINS", "NAME", "EXPIRES", "LAST USED"];
    if owners {
        names.push("OWNER");
    }
    let mut rows: Vec<Vec<String>> = vec![names.into_iter().map(str::to_owned).collect()];
    rows.extend(keys.iter().map(|key| row(key, owners)));
    let count = rows.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..count)
        .map(|at| {
            rows.iter().filter_map(|row| row.get(at)).map(|field| field.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let mut out = String::new();
    for row in rows {
        let fields: Vec<String> =
            row.iter().zip(&widths).map(|(field, width)| format!("{field:<width$}")).collect();
        out.push_str(fields.join("  ").trim_end());
        out.push('\n');
    }
    out
}

fn row(key: &Value, owner: bool) -> Vec<String> {
    let text = |name: &str| printable(key[name].as_str().unwrap_or("-"));
    let mut fields = vec![text("id"), text("prefix"), text("name"), text("expires_at"), text("last_used_at")];
    if owner {
        let part = |name: &str| key["owner"][name].as_str().unwrap_or("-");
        fields.push(printable(&format!("{}/{}", part("directory"), part("id"))));
    }
    fields
}

/// Text of others, for a terminal: short, and without what would move its cursor.
pub(in crate::cli) fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_are_as_wide_as_they_have_to_be() {
        let key = json!({"id": "key_1", "prefix": "atk_abc", "name": "my\u{1b}[2J laptop",
            "expires_at": "2027-01-01T00:00:00Z", "last_used_at": null, "owner": {"directory": "acme", "id": "u1"}});
        assert_eq!(
            table(&[key], true),
            "ID     BEGINS   NAME          EXPIRES               LAST USED  OWNER\n\
             key_1  atk_abc  my[2J laptop  2027-01-01T00:00:00Z  -          acme/u1\n"
        );
        assert_eq!(table(&[], false), "ID  BEGINS  NAME  EXPIRES  LAST USED\n");
    }
}
