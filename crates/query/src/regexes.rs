//! Regular expressions: RE2's meaning on the engines of `regex-automata`.
//!
//! `\d`, `\w`, `\s`, `\b` and their negations are ASCII, as in RE2
//! (<https://github.com/google/re2/wiki/Syntax>), while everything else sees whole Unicode
//! characters. The `regex` crate can only switch both together and then works on bytes, so the
//! parsed pattern is rewritten: each such class becomes the ASCII class it stands for.

use regex_automata::meta::{self, Regex};
use regex_syntax::ast::{
    self, Ast, ClassPerlKind, ClassSet, ClassSetItem, ClassSetRange, ClassSetUnion, Flag, FlagsItem, FlagsItemKind,
    Literal, LiteralKind, Span,
};
use regex_syntax::hir::{Hir, translate::TranslatorBuilder};

use crate::MAX_REGEX_BYTES;
use crate::ast::RegexTerm;
use crate::error::{ErrorCode, QueryError};

/// Deepest nesting inside a regex.
const MAX_NESTING: u32 = 64;

/// Why a regex was refused; where it stands in the query is added by [`RegexError::at`].
pub(crate) struct RegexError {
    too_large: bool,
    message: String,
    /// Where inside the pattern, in characters.
    offset: usize,
}

impl RegexError {
    fn invalid(message: impl ToString, offset: usize) -> Self {
        Self { too_large: false, message: message.to_string(), offset }
    }

    /// The error of a query in which the regex's opening slash stands at `column`.
    pub(crate) fn at(self, column: usize) -> QueryError {
        if self.too_large {
            let expected = "a shorter regex, or smaller counts in {n,m}";
            return QueryError::new(ErrorCode::RegexTooLarge, column, self.message, expected);
        }
        let message = format!("invalid regex: {}", self.message);
        QueryError::new(
            ErrorCode::RegexInvalid,
            column + 1 + self.offset,
            message,
            "a regular expression in RE2 syntax",
        )
    }
}

/// A compiled regex and the expression it came from.
pub(crate) struct Compiled {
    pub(crate) regex: Regex,
    pub(crate) hir: Hir,
}

/// Parses, rewrites and compiles, within [`MAX_REGEX_BYTES`].
pub(crate) fn compile(term: &RegexTerm) -> Result<Compiled, RegexError> {
    let hir = parse(term)?;
    Ok(Compiled { regex: build(&hir, Some(MAX_REGEX_BYTES))?, hir })
}

/// The same for a regex that this crate wrote itself: its size is bounded by the query's.
pub(crate) fn compile_own(term: &RegexTerm) -> Result<Compiled, RegexError> {
    let hir = parse(term)?;
    Ok(Compiled { regex: build(&hir, None)?, hir })
}

/// The expression as the engines see it. The index plans from it, too.
pub(crate) fn parse(term: &RegexTerm) -> Result<Hir, RegexError> {
    let parsed = ast::parse::ParserBuilder::new().nest_limit(MAX_NESTING).build().parse(&term.pattern);
    let mut ast = parsed.map_err(|error| {
        RegexError::invalid(error.kind(), characters_before(&term.pattern, error.span().start.offset))
    })?;
    ascii_classes(&mut ast);
    let mut translator = TranslatorBuilder::new().case_insensitive(term.ignore_case).utf8(true).build();
    translator
        .translate(&term.pattern, &ast)
        .map_err(|error| RegexError::invalid(error.kind(), characters_before(&term.pattern, error.span().start.offset)))
}

/// Compiles an expression within a limit on the bytes of its automaton.
pub(crate) fn build(hir: &Hir, limit: Option<usize>) -> Result<Regex, RegexError> {
    let config = meta::Config::new().nfa_size_limit(limit).utf8_empty(true);
    meta::Builder::new().configure(config).build_from_hir(hir).map_err(|error| match error.size_limit() {
        Some(limit) => {
            let message = format!("the regex compiles to more than {limit} bytes");
            RegexError { too_large: true, message, offset: 0 }
        }
        None => RegexError::invalid(error, 0),
    })
}

fn characters_before(pattern: &str, offset: usize) -> usize {
    pattern.get(..offset).map_or(0, |before| before.chars().count())
}

/// Replaces Perl classes and word assertions by their ASCII forms. Recursion is bounded by [`MAX_NESTING`].
fn ascii_classes(ast: &mut Ast) {
    match ast {
        Ast::ClassPerl(class) => {
            let set = ClassSet::Item(ascii_set(class.span, &class.kind));
            let bracketed = ast::ClassBracketed { span: class.span, negated: class.negated, kind: set };
            *ast = Ast::class_bracketed(bracketed);
        }
        Ast::ClassBracketed(class) => ascii_in_set(&mut class.kind),
        Ast::Assertion(assertion) if is_word_assertion(&assertion.kind) => {
            let span = assertion.span;
            let item = |kind| FlagsItem { span, kind };
            let items = vec![item(FlagsItemKind::Negation), item(FlagsItemKind::Flag(Flag::Unicode))];
            let kind = ast::GroupKind::NonCapturing(ast::Flags { span, items });
            *ast = Ast::group(ast::Group { span, kind, ast: Box::new(ast.clone()) });
        }
        Ast::Repetition(repetition) => ascii_classes(&mut repetition.ast),
        Ast::Group(group) => ascii_classes(&mut group.ast),
        Ast::Alternation(alternation) => alternation.asts.iter_mut().for_each(ascii_classes),
        Ast::Concat(concat) => concat.asts.iter_mut().for_each(ascii_classes),
        Ast::Empty(_) | Ast::Flags(_) | Ast::Literal(_) | Ast::Dot(_) | Ast::Assertion(_) | Ast::ClassUnicode(_) => {}
    }
}

fn ascii_in_set(set: &mut ClassSet) {
    match set {
        ClassSet::Item(item) => ascii_in_item(item),
        ClassSet::BinaryOp(operation) => {
            ascii_in_set(&mut operation.lhs);
            ascii_in_set(&mut operation.rhs);
        }
    }
}

fn ascii_in_item(item: &mut ClassSetItem) {
    match item {
        ClassSetItem::Perl(class) => {
            let kind = ClassSet::Item(ascii_set(class.span, &class.kind));
            let bracketed = ast::ClassBracketed { span: class.span, negated: class.negated, kind };
            *item = ClassSetItem::Bracketed(Box::new(bracketed));
        }
        ClassSetItem::Bracketed(class) => ascii_in_set(&mut class.kind),
        ClassSetItem::Union(union) => union.items.iter_mut().for_each(ascii_in_item),
        ClassSetItem::Empty(_)
        | ClassSetItem::Literal(_)
        | ClassSetItem::Range(_)
        | ClassSetItem::Ascii(_)
        | ClassSetItem::Unicode(_) => {}
    }
}

/// RE2: `\d` is `[0-9]`, `\s` is `[\t\n\f\r ]` (no vertical tab), `\w` is `[0-9A-Za-z_]`.
fn ascii_set(span: Span, kind: &ClassPerlKind) -> ClassSetItem {
    let ranges: &[(char, char)] = match kind {
        ClassPerlKind::Digit => &[('0', '9')],
        ClassPerlKind::Space => &[('\t', '\n'), ('\u{c}', '\r'), (' ', ' ')],
        ClassPerlKind::Word => &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
    };
    let literal = |c| Literal { span, kind: LiteralKind::Verbatim, c };
    let range = |(start, end): &(char, char)| {
        ClassSetItem::Range(ClassSetRange { span, start: literal(*start), end: literal(*end) })
    };
    ClassSetItem::Union(ClassSetUnion { span, items: ranges.iter().map(range).collect() })
}

fn is_word_assertion(kind: &ast::AssertionKind) -> bool {
    use ast::AssertionKind::{
        EndLine, EndText, NotWordBoundary, StartLine, StartText, WordBoundary, WordBoundaryEnd, WordBoundaryEndAngle,
        WordBoundaryEndHalf, WordBoundaryStart, WordBoundaryStartAngle, WordBoundaryStartHalf,
    };
    match kind {
        WordBoundary
        | NotWordBoundary
        | WordBoundaryStart
        | WordBoundaryEnd
        | WordBoundaryStartAngle
        | WordBoundaryEndAngle
        | WordBoundaryStartHalf
        | WordBoundaryEndHalf => true,
        StartLine | EndLine | StartText | EndText => false,
    }
}
