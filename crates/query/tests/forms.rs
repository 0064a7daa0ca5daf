//! Every form of the filter language, by example.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::matching;

/// Each case: a query, texts that it finds as a message, and texts that it does not.
#[test]
fn terms_find_what_the_language_says() {
    let cases: &[(&str, &[&str], &[&str])] = &[
        (
            "timeout",
            &["timeout", "a TIMEOUT!", "x=timeout,y", "é timeout"],
            &["timeouts", "mytimeout", "time_out", "étimeout", "timeout_ms"],
        ),
        ("foo-bar", &["foo-bar", "a Foo-Bar."], &["foo-bars", "xfoo-bar", "foo bar"]),
        ("10.0.0.1", &["from 10.0.0.1:80", "10.0.0.1"], &["110.0.0.1", "10.0.0.12", "10.0.0,1"]),
        (
            "\"connection reset\"",
            &["Connection Reset by peer", "(connection reset)"],
            &["connection  reset", "connection resets", "disconnection reset"],
        ),
        ("\"say \\\"hi\\\" \\\\\"", &["say \"hi\" \\"], &["say hi"]),
        ("\"C:\\Users\"", &["in C:\\Users\\x"], &["C:Users"]),
        ("*8f3a*", &["id-08f3a1", "8F3A"], &["8f3", "8f-3a"]),
        ("req-*", &["req-17", "a req-", "(REQ-x"], &["xreq-1", "req_1"]),
        ("*foo", &["afoo", "foo", "x foo."], &["foox", "foo_"]),
        ("GET*users", &["GET/v1/users", "getusers", "GET=users"], &["GET /users", "GET/users2", "aGET/users"]),
        ("*b*d*", &["abcde", "bd"], &["b d", "db"]),
        ("\\*", &["2 * 3", "*"], &["2 x 3"]),
        ("a\\:b", &["a:b"], &["a b"]),
        ("\\AND", &["this AND that", "and"], &["band"]),
        ("and", &["this AND that"], &["android"]),
        ("\"--\"", &["a--b", "--"], &["- -"]),
        ("straße", &["die STRAßE hier"], &["strasse"]),
        ("kilo", &["KILO", "\u{212a}ilo"], &["kilos"]),
        ("große-ſ", &["GROßE-S"], &[]),
        ("/blk_-?\\d+7\\b/", &["blk_-1237", "x blk_17 y"], &["blk_-123", "BLK_17", "blk_17a"]),
        ("/BLK/i", &["blk", "a Blk"], &["bl k"]),
        ("/\\d/", &["a1"], &["\u{0661}", "a"]),
        ("/^\\w+$/", &["abc_9"], &["é", "a b", ""]),
        ("/a.c/", &["aéc", "abc"], &["ac", "a\\nc"]),
        ("/\\D\\d/", &["é5"], &["55", "5"]),
        ("/[\\w-]+@[^\\W\\d]+/", &["a-b@x"], &["a@1", "@x"]),
        ("/\\bx\\B/", &["xy", "éxy"], &["x", "yx"]),
        ("/a\\/b/", &["a/b"], &["ab"]),
        ("/a\\sb/", &["a\\tb", "a b"], &["a\\u000bb", "a\\u00a0b"]),
        ("/z*/", &["", "anything"], &[]),
        ("/err(or)?|warn/", &["err", "warning"], &["e r r"]),
        ("aaa", &["aaaa aaa", "aaa"], &["aaaa", "aaaaaaaaa", "aa"]),
        ("*aaa", &["aaaa", "aaaaaaa b"], &["aaab", "aa"]),
        ("\"a a b\"", &["a a a b"], &["a a bc"]),
        ("*", &["", "x"], &[]),
        ("", &["", "x"], &[]),
    ];
    for (query, found, missed) in cases {
        let quote = |text: &str| serde_json::to_string(&text.replace("\\n", "\n").replace("\\t", "\t")).unwrap();
        let texts: Vec<String> =
            found.iter().chain(*missed).map(|text| quote(text).replace("\\\\u0", "\\u0")).collect();
        let wanted: Vec<usize> = (0..found.len()).collect();
        let events: Vec<String> = texts.iter().map(|text| format!(r#"{{"message":{text}}}"#)).collect();
        assert_eq!(matching(query, &events), wanted, "{query} in messages of {events:?}");
        // The same inside an array, where it is found by walking JSON.
        let nested: Vec<String> = texts.iter().map(|text| format!(r#"{{"a":[1,{{"b":[{text}]}}]}}"#)).collect();
        if !["", "*"].contains(query) {
            assert_eq!(matching(query, &nested), wanted, "{query} in arrays of {nested:?}");
        }
    }
}

/// Each case: a query, events that match, and events that do not.
fn check(cases: &[(&str, &[&str], &[&str])]) {
    for (query, found, missed) in cases {
        let events: Vec<&str> = found.iter().chain(*missed).copied().collect();
        let wanted: Vec<usize> = (0..found.len()).collect();
        assert_eq!(matching(query, &events), wanted, "{query} over {events:?}");
    }
}

#[test]
fn text_is_every_string_but_the_timestamp() {
    check(&[
        (
            "x",
            &[r#"{"service":"x"}"#, r#"{"a":{"b":"x"}}"#, r#"{"a":["x"]}"#, r#"{"a":[{"b":"x"}]}"#],
            &[r#"{"x":1}"#, r#"{"a":true}"#],
        ),
        ("5", &[r#"{"a":"5"}"#], &[r#"{"a":5}"#, r#"{"a":[5]}"#, r#"{"a":5.0}"#]),
        ("true", &[r#"{"a":"true"}"#], &[r#"{"a":true}"#]),
        (
            "2024",
            &[r#"{"timestamp":"2024-05-01T00:00:00Z","message":"2024"}"#],
            &[r#"{"timestamp":"2024-05-01T00:00:00Z"}"#],
        ),
    ]);
}

#[test]
fn values_lie_apart_even_where_their_bytes_touch() {
    let events: Vec<String> = ["conn", "ection", "connect", "ion connection"]
        .iter()
        .map(|text| format!(r#"{{"message":"{text}"}}"#))
        .collect();
    for query in ["connection", "*nnection*", "/connection/", "/con+ection/", "*nectio*"] {
        assert_eq!(matching(query, &events), [3], "{query}");
    }
    // Without a literal, through the whole column and each text on its own.
    let digits: Vec<String> = ["12", "34", "123456", ""].iter().map(|text| format!(r#"{{"m":"{text}"}}"#)).collect();
    assert_eq!(matching("/\\d{4}/", &digits), [2]);
    assert_eq!(matching("/^\\d+4$/", &digits), [1]);
    assert_eq!(matching("/\\d{2}|\\d{4}/", &digits), [0, 1, 2]);
    assert_eq!(matching("/^$/", &digits), [3]);
}

#[test]
fn fields_take_every_form() {
    check(&[
        ("service:check", &[r#"{"service":"check out"}"#], &[r#"{"service":"checkout"}"#, r#"{"message":"check"}"#]),
        ("message:\"timed out\"", &[r#"{"message":"it Timed Out"}"#], &[r#"{"service":"timed out"}"#]),
        ("message:/^re/", &[r#"{"message":"reset"}"#], &[r#"{"message":"a reset"}"#]),
        ("a.b:x*", &[r#"{"a":{"b":"xy"}}"#, r#"{"a.b":"x"}"#, r#"{"a":[{"b":["q","xz"]}]}"#], &[r#"{"a":"x"}"#]),
        (
            "s:500",
            &[r#"{"s":500}"#, r#"{"s":500.0}"#, r#"{"s":5e2}"#, r#"{"s":"code 500"}"#, r#"{"s":[1,500]}"#],
            &[r#"{"s":5000}"#, r#"{"s":"5000"}"#],
        ),
        ("s:-1.5", &[r#"{"s":-1.5}"#, r#"{"s":"x -1.5"}"#], &[r#"{"s":1.5}"#]),
        ("s:True", &[r#"{"s":true}"#, r#"{"s":"TRUE"}"#], &[r#"{"s":false}"#, r#"{"s":1}"#]),
        ("s:null", &[r#"{"s":null}"#, r#"{"s":"null"}"#, r#"{"s":[null]}"#], &[r#"{"t":1}"#, r#"{"s":0}"#]),
        ("s:5*", &[r#"{"s":"50"}"#], &[r#"{"s":50}"#]),
        (
            "s:=\"Check Out\"",
            &[r#"{"s":"Check Out"}"#, r#"{"s":["x","Check Out"]}"#],
            &[r#"{"s":"check out"}"#, r#"{"s":"Check Out "}"#],
        ),
        ("s:=5", &[r#"{"s":5}"#, r#"{"s":"5"}"#, r#"{"s":5.00}"#], &[r#"{"s":"5.0"}"#]),
        ("s:=true", &[r#"{"s":true}"#], &[r#"{"s":"True"}"#]),
        ("s:=\"\"", &[r#"{"s":""}"#], &[r#"{"s":" "}"#, r#"{"t":""}"#]),
        (
            "s:>=500",
            &[r#"{"s":500}"#, r#"{"s":"500"}"#, r#"{"s":1e9}"#, r#"{"s":[1,501]}"#],
            &[r#"{"s":499.9}"#, r#"{"s":"x"}"#, r#"{"s":true}"#],
        ),
        ("s:<0", &[r#"{"s":-1}"#, r#"{"s":-0.1}"#], &[r#"{"s":0}"#, r#"{"s":-0.0}"#]),
        ("s:[10 TO 50]", &[r#"{"s":10}"#, r#"{"s":50.0}"#], &[r#"{"s":50.1}"#, r#"{"s":9}"#]),
        ("s:[* TO 5]", &[r#"{"s":5}"#], &[r#"{"s":6}"#, r#"{"t":1}"#]),
        (
            "s:[b TO d]",
            &[r#"{"s":"b"}"#, r#"{"s":"ca"}"#, r#"{"s":"d"}"#],
            &[r#"{"s":"da"}"#, r#"{"s":"B"}"#, r#"{"s":3}"#],
        ),
        (
            "s:>9007199254740993",
            &[r#"{"s":9007199254740994}"#],
            &[r#"{"s":9007199254740993}"#, r#"{"s":9007199254740992.0}"#],
        ),
        ("s:(a OR \"b c\" -d)", &[r#"{"s":"a d"}"#, r#"{"s":"b c"}"#], &[r#"{"s":"b c d"}"#, r#"{"s":"c"}"#]),
        ("\"odd name\":x", &[r#"{"odd name":"x"}"#], &[r#"{"odd":"x"}"#]),
        ("http\\:x:y", &[r#"{"http:x":"y"}"#], &[r#"{"http":"x:y"}"#]),
    ]);
}

#[test]
fn a_field_exists_when_it_is_there_and_not_null() {
    check(&[
        (
            "a:*",
            &[
                r#"{"a":0}"#,
                r#"{"a":""}"#,
                r#"{"a":false}"#,
                r#"{"a":{}}"#,
                r#"{"a":[]}"#,
                r#"{"a":[null]}"#,
                r#"{"a":{"b":null}}"#,
            ],
            &[r#"{"a":null}"#, r#"{"b":1}"#, r#"{"ab":1}"#],
        ),
        (
            "a.b:*",
            &[r#"{"a":{"b":1}}"#, r#"{"a":[{"b":null},{"b":2}]}"#, r#"{"a":{"b":{"c":1}}}"#],
            &[r#"{"a":[]}"#, r#"{"a":{"b":null}}"#],
        ),
        ("NOT a:x", &[r#"{"b":1}"#, r#"{"a":"y"}"#], &[r#"{"a":"x"}"#]),
        ("timestamp:*", &[r#"{}"#, r#"{"ts":5}"#], &[]),
        ("ts:*", &[r#"{"ts":5}"#, r#"{"timestamp":7,"ts":"x"}"#], &[r#"{"timestamp":5}"#]),
        ("log:*", &[r#"{"log":{"level":"warn"}}"#, r#"{"log":"x"}"#], &[r#"{"level":"warn"}"#]),
    ]);
}

#[test]
fn levels_are_ordered_by_rank_and_found_as_spelled() {
    check(&[
        (
            "level:>=warn",
            &[r#"{"level":"WARNING"}"#, r#"{"severity":"err"}"#, r#"{"lvl":"panic"}"#, r#"{"level":3}"#],
            &[r#"{"level":"info"}"#, r#"{"level":"loud"}"#, r#"{"level":7}"#],
        ),
        ("severity:<info", &[r#"{"severity":"debug"}"#], &[r#"{"severity":"notice"}"#, r#"{"level":"debug"}"#]),
        ("level:[info TO error]", &[r#"{"level":"notice"}"#, r#"{"level":"severe"}"#], &[r#"{"level":"fatal"}"#]),
        ("level:warn", &[r#"{"level":"WARN"}"#], &[r#"{"level":"warning"}"#]),
        ("level:>=30", &[r#"{"level":40}"#], &[r#"{"level":20}"#, r#"{"level":"fatal"}"#]),
    ]);
}

#[test]
fn canonical_fields_answer_to_the_name_they_were_sent_under() {
    check(&[
        ("message:x", &[r#"{"msg":"x"}"#, r#"{"message":"x"}"#], &[r#"{"message":"y","msg":"x"}"#]),
        ("msg:x", &[r#"{"msg":"x"}"#, r#"{"message":"y","msg":"x"}"#], &[r#"{"message":"x"}"#, r#"{"log":"x"}"#]),
        ("service.name:s", &[r#"{"service":{"name":"s"}}"#, r#"{"service.name":"s"}"#], &[r#"{"service":"s"}"#]),
        ("service:s", &[r#"{"service":{"name":"s"}}"#, r#"{"service":"s"}"#], &[r#"{"name":"s"}"#]),
        ("log.level:>=error", &[r#"{"log":{"level":"error"}}"#], &[r#"{"level":"error"}"#]),
    ]);
}

#[test]
fn the_timestamp_compares_as_a_time() {
    let early = r#"{"timestamp":"2024-05-01T00:00:00Z"}"#;
    let late = r#"{"ts":1714521601}"#; // one second later
    check(&[
        ("timestamp:>2024-05-01T00:00:00Z", &[late], &[early]),
        ("timestamp:<=1714521600", &[early], &[late]),
        ("timestamp:2024-05-01T02:00:00+02:00", &[early], &[late]),
        ("timestamp:[2024-05-01T00:00:00Z TO 2024-05-01T00:00:01Z]", &[early, late], &[r#"{"ts":1}"#]),
        ("ts:>=1714521600", &[late, r#"{"timestamp":5,"ts":1714521600}"#], &[early]),
        ("ts:=1714521601000", &[late], &[early]),
    ]);
}

#[test]
fn operators_bind_as_documented() {
    type Formula = fn(bool, bool, bool) -> bool;
    let events: Vec<String> = (0..8)
        .map(|bits| {
            let has = |bit: u32, word: &'static str| if bits >> bit & 1 == 1 { word } else { "" };
            format!(r#"{{"message":"{} {} {}"}}"#, has(0, "a"), has(1, "b"), has(2, "c"))
        })
        .collect();
    let wanted = |test: Formula| -> Vec<usize> {
        (0..8).filter(|bits| test(bits & 1 == 1, bits >> 1 & 1 == 1, bits >> 2 & 1 == 1)).collect()
    };
    let cases: &[(&str, Formula)] = &[
        ("a b", |a, b, _| a && b),
        ("a OR b c", |a, b, c| a || b && c),
        ("a AND b OR c", |a, b, c| a && b || c),
        ("(a OR b) c", |a, b, c| (a || b) && c),
        ("NOT a b", |a, b, _| !a && b),
        ("NOT (a b)", |a, b, _| !(a && b)),
        ("-a OR -b", |a, b, _| !a || !b),
        ("NOT NOT a", |a, _, _| a),
        ("-(a OR b) c", |a, b, c| !(a || b) && c),
        ("* -a", |a, _, _| !a),
        ("NOT *", |_, _, _| false),
    ];
    for (query, test) in cases {
        assert_eq!(matching(query, &events), wanted(*test), "{query}");
    }
}

#[test]
fn an_empty_block_matches_nothing() {
    assert!(matching::<&str>("a OR NOT b", &[]).is_empty());
}

#[test]
fn long_runs_of_overlapping_occurrences_are_left_in_one_step() {
    // Trying each of them anew would take 10^9 steps and more.
    let needle = "aS".repeat(1000);
    let event = format!(r#"{{"message":"{}x"}}"#, "as".repeat(400_000));
    for query in [needle.clone(), format!("*{needle}"), format!("{needle}*b"), format!("\"{needle} {needle}\"")] {
        assert!(matching(&query, &[&event]).is_empty());
    }
    assert_eq!(matching(&format!("{needle}*"), &[&event]), [0]);
}

#[test]
fn the_longest_words_compile() {
    let word = "k".repeat(trawl_query::MAX_QUERY_BYTES);
    let event = format!(r#"{{"message":"{}"}}"#, word.to_uppercase());
    assert_eq!(matching(&word, &[&event]), [0]);
    let gaps = vec!["\u{e9}"; trawl_query::MAX_PARTS].join("*");
    assert_eq!(matching(&gaps, &[format!(r#"{{"message":"{gaps}"}}"#)]), [0]);
}

#[test]
fn one_evaluator_serves_many_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<trawl_query::Evaluator>();
    shared::<trawl_query::Query>();
}

#[test]
fn highlights_are_where_the_terms_are_found() {
    let query = common::query("Timeout message:/e\\d+/ -absent (service:=\"S s\" OR req*)");
    let highlights = query.highlights();
    let marks = |index: usize, text: &str| -> Vec<String> {
        highlights[index].ranges(text).into_iter().map(|range| text[range].to_owned()).collect()
    };
    assert_eq!(highlights.len(), 4);
    assert_eq!(marks(0, "timeout, timeouts, TIMEOUT"), ["timeout", "TIMEOUT"]);
    assert_eq!(marks(1, "e1 x e22"), ["e1", "e22"]);
    assert_eq!((highlights[1].field.as_deref(), highlights[0].field.as_deref()), (Some("message"), None));
    assert_eq!(marks(3, "a req-1"), ["req"]);
}
