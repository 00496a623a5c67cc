//! Runs a template: minijinja reads it, this does what it says.
//!
//! Values, operators and filters are our own ([`super::value`], [`super::ops`],
//! [`super::language`]), for what they cost must be known before it is spent. Lists do not nest;
//! there is nothing that calls itself; the depth of the tree is bounded by [`super::guard`].

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::machinery::ast::{self, BinOpKind, CallArg, Expr, Stmt, UnaryOpKind};

use super::language::{self, Arguments, FUNCTIONS};
use super::meter::{FUEL, Meter};
use super::ops;
use super::record::{MAX_NAME_SHOWN, Record};
use super::sink::Sink;
use super::value::{Item, LoopTurn, Value};
use crate::format::EscapeError;
use crate::vocabulary::WrongValue;

/// The most numbers in a `range`.
const MAX_RANGE: i128 = 1000;

/// Why a rendering ends early.
#[derive(Debug)]
pub(super) enum Why {
    /// Something that is not there was used.
    Undefined,
    /// `setting("X")` of a setting that no layer has.
    Missing(String),
    /// A value that is no text was written.
    NotText(&'static str),
    /// A value that the format cannot hold, and the settings that it is made of.
    Unrepresentable(Vec<String>, EscapeError),
    /// A list, or something that is no value, within a list.
    Nested,
    /// A statement or a way to call that templates for phones do without.
    NotAvailable(&'static str),
    /// The fuel has run out.
    TooMuchWork,
    /// The file is too large.
    TooLarge,
    /// A value that a setting of the vocabulary cannot have.
    Setting(WrongValue),
    /// All else. Never quotes a value.
    Failed(Cow<'static, str>),
}

impl From<WrongValue> for Why {
    fn from(wrong: WrongValue) -> Self {
        Self::Setting(wrong)
    }
}

impl Why {
    pub(super) fn failed(message: &'static str) -> Self {
        Self::Failed(Cow::Borrowed(message))
    }

    fn at(self, line: u16) -> Box<Halt> {
        let line = u32::from(line);
        Box::new(Halt { line, why: self })
    }
}

/// Where and why a rendering ends early.
#[derive(Debug)]
pub(super) struct Halt {
    pub(super) line: u32,
    pub(super) why: Why,
}

/// The names of a block.
#[derive(Default)]
struct Frame<'t> {
    names: BTreeMap<&'t str, Value>,
    turn: Option<LoopTurn>,
}

/// One rendering.
pub(super) struct Evaluator<'r, 'c, 't> {
    meter: &'r mut Meter,
    record: &'r mut Record<'c>,
    sink: &'r mut Sink,
    frames: Vec<Frame<'t>>,
}

impl<'r, 'c, 't> Evaluator<'r, 'c, 't> {
    pub(super) fn new(
        meter: &'r mut Meter,
        record: &'r mut Record<'c>,
        sink: &'r mut Sink,
    ) -> Self {
        Self {
            meter,
            record,
            sink,
            frames: vec![Frame::default()],
        }
    }

    pub(super) fn run(&mut self, body: &[Stmt<'t>]) -> Result<(), Box<Halt>> {
        for statement in body {
            self.statement(statement)?;
        }
        Ok(())
    }

    fn statement(&mut self, statement: &Stmt<'t>) -> Result<(), Box<Halt>> {
        match statement {
            Stmt::Template(template) => self.run(&template.children),
            Stmt::EmitRaw(raw) => self
                .sink
                .write(self.meter, self.record, raw.raw)
                .map_err(|why| why.at(raw.span().start_line)),
            Stmt::EmitExpr(emit) => {
                let value = self.eval(&emit.expr)?;
                self.sink
                    .write_value(self.meter, self.record, &value)
                    .map_err(|why| why.at(emit.expr.span().start_line))
            }
            Stmt::IfCond(condition) => {
                let body = if self.truth(&condition.expr)? {
                    &condition.true_body
                } else {
                    &condition.false_body
                };
                self.run(body)
            }
            Stmt::Set(set) => {
                let value = self.eval(&set.expr)?;
                self.assign(&set.target, value)
            }
            Stmt::WithBlock(with) => {
                self.frames.push(Frame::default());
                for (target, expr) in &with.assignments {
                    let value = self.eval(expr)?;
                    self.assign(target, value)?;
                }
                self.run(&with.body)?;
                self.frames.pop();
                Ok(())
            }
            Stmt::ForLoop(each) => self.for_loop(each, each.span().start_line),
            Stmt::SetBlock(other) => Err(Why::NotAvailable("set").at(other.span().start_line)),
            Stmt::AutoEscape(other) => {
                Err(Why::NotAvailable("autoescape").at(other.span().start_line))
            }
            Stmt::FilterBlock(other) => {
                Err(Why::NotAvailable("filter").at(other.span().start_line))
            }
            Stmt::Do(other) => Err(Why::NotAvailable("do").at(other.span().start_line)),
        }
    }

    fn for_loop(&mut self, each: &ast::ForLoop<'t>, line: u16) -> Result<(), Box<Halt>> {
        if each.recursive {
            return Err(Why::NotAvailable("recursive").at(line));
        }
        let items = self.eval(&each.iter)?;
        let mut items = self
            .items(items)
            .map_err(|why| why.at(each.iter.span().start_line))?;
        if let Some(condition) = &each.filter_expr {
            let mut kept = Vec::new();
            for item in items.iter() {
                self.frames.push(Frame::default());
                self.assign(&each.target, Value::Item(item.clone()))?;
                if self.truth(condition)? {
                    self.meter.places(1).map_err(|why| why.at(line))?;
                    kept.push(item.clone());
                }
                self.frames.pop();
            }
            items = kept.into();
        }
        if items.is_empty() {
            return self.run(&each.else_body);
        }
        let depth = self
            .frames
            .iter()
            .filter(|frame| frame.turn.is_some())
            .count();
        for (index, item) in items.iter().enumerate() {
            self.meter.pay(FUEL).map_err(|why| why.at(line))?;
            self.frames.push(Frame {
                names: BTreeMap::new(),
                turn: Some(LoopTurn {
                    index,
                    length: items.len(),
                    depth,
                }),
            });
            self.assign(&each.target, Value::Item(item.clone()))?;
            self.run(&each.body)?;
            self.frames.pop();
        }
        Ok(())
    }

    /// What a loop goes through: a list's items, a text's characters.
    fn items(&mut self, value: Value) -> Result<Arc<[Item]>, Why> {
        match value {
            Value::Undefined => Err(Why::Undefined),
            Value::Nothing | Value::None => Ok(Arc::default()),
            Value::List(items) => Ok(items),
            Value::Item(Item::Text(text)) => {
                // A place, and a text of its own.
                self.meter.places(text.len().saturating_mul(2))?;
                Ok(text
                    .chars()
                    .map(|one| Item::Text(one.to_string().into()))
                    .collect())
            }
            other => Err(Why::Failed(
                format!("a {} has no items to go through", other.kind()).into(),
            )),
        }
    }

    fn assign(&mut self, target: &Expr<'t>, value: Value) -> Result<(), Box<Halt>> {
        let line = target.span().start_line;
        self.meter.pay(FUEL).map_err(|why| why.at(line))?;
        match (target, value) {
            (Expr::Var(variable), value) => {
                if let Some(frame) = self.frames.last_mut() {
                    frame.names.insert(variable.id, value);
                }
                Ok(())
            }
            (Expr::List(targets), Value::List(items)) if targets.items.len() == items.len() => {
                for (target, item) in targets.items.iter().zip(items.iter()) {
                    self.assign(target, Value::Item(item.clone()))?;
                }
                Ok(())
            }
            (Expr::List(targets), _) => {
                let count = targets.items.len();
                Err(Why::Failed(format!("there is no list of {count} values here").into()).at(line))
            }
            _ => Err(Why::failed("a value is given to a name").at(line)),
        }
    }

    fn truth(&mut self, expr: &Expr<'t>) -> Result<bool, Box<Halt>> {
        self.eval(expr)?
            .truth()
            .map_err(|why| why.at(expr.span().start_line))
    }

    /// The value of an expression. Its depth is that of the tree, which the guard has bounded.
    fn eval(&mut self, expr: &Expr<'t>) -> Result<Value, Box<Halt>> {
        let line = expr.span().start_line;
        let here = |why: Why| why.at(line);
        self.meter.pay(FUEL).map_err(here)?;
        match expr {
            Expr::Var(variable) => self.variable(variable.id).map_err(here),
            Expr::Const(constant) => {
                let value = Value::literal(&constant.value).map_err(here)?;
                if let Value::Item(Item::Text(text)) = &value {
                    self.meter.bytes(text.len()).map_err(here)?;
                }
                Ok(value)
            }
            Expr::UnaryOp(unary) => match unary.op {
                UnaryOpKind::Not => Ok(Value::from(!self.truth(&unary.expr)?)),
                UnaryOpKind::Neg => {
                    let value = self.eval(&unary.expr)?;
                    ops::negative(&value).map_err(here)
                }
            },
            Expr::BinOp(binary) => self.binary(binary, line),
            Expr::Compare(compare) => self.comparisons(compare, line),
            Expr::IfExpr(choice) => {
                if self.truth(&choice.test_expr)? {
                    self.eval(&choice.true_expr)
                } else {
                    match &choice.false_expr {
                        Some(other) => self.eval(other),
                        None => Ok(Value::Nothing),
                    }
                }
            }
            Expr::Filter(filter) => self.filter(filter, line),
            Expr::Test(test) => {
                let value = self.eval(&test.expr)?;
                let arguments = self.arguments(&test.args, line)?;
                language::test(self.meter, test.name, &value, arguments)
                    .map(Value::from)
                    .map_err(here)
            }
            Expr::GetAttr(get) => {
                let value = self.eval(&get.expr)?;
                self.member(&value, get.name).map_err(here)
            }
            Expr::GetItem(get) => {
                let value = self.eval(&get.expr)?;
                let key = self.eval(&get.subscript_expr)?;
                self.at(&value, &key).map_err(here)
            }
            Expr::Slice(slice) => self.slice(slice, line),
            Expr::Call(call) => self.call(call, line),
            Expr::List(list) => self.list(&list.items, line),
            Expr::Tuple(tuple) => self.list(&tuple.items, line),
            Expr::Map(_) => Err(here(language::no_maps())),
        }
    }

    fn binary(&mut self, binary: &ast::BinOp<'t>, line: u16) -> Result<Value, Box<Halt>> {
        let left = self.eval(&binary.left)?;
        if matches!(binary.op, BinOpKind::ScAnd | BinOpKind::ScOr) {
            let decided = left
                .truth()
                .map_err(|why| why.at(binary.left.span().start_line))?;
            return if decided == matches!(binary.op, BinOpKind::ScOr) {
                Ok(left)
            } else {
                self.eval(&binary.right)
            };
        }
        let right = self.eval(&binary.right)?;
        ops::binary(self.meter, binary.op, left, right).map_err(|why| why.at(line))
    }

    /// `a < b <= c`
    fn comparisons(&mut self, compare: &ast::Compare<'t>, line: u16) -> Result<Value, Box<Halt>> {
        use ast::CompareOpKind as Op;
        let mut left = self.eval(&compare.expr)?;
        for next in &compare.ops {
            let right = self.eval(&next.expr)?;
            let (op, wanted) = match next.op {
                Op::Eq => (BinOpKind::Eq, true),
                Op::Ne => (BinOpKind::Ne, true),
                Op::Lt => (BinOpKind::Lt, true),
                Op::Lte => (BinOpKind::Lte, true),
                Op::Gt => (BinOpKind::Gt, true),
                Op::Gte => (BinOpKind::Gte, true),
                Op::In => (BinOpKind::In, true),
                Op::NotIn => (BinOpKind::In, false),
            };
            let holds = ops::binary(self.meter, op, left, right.clone())
                .and_then(|value| value.truth())
                .map_err(|why| why.at(line))?;
            if holds != wanted {
                return Ok(Value::from(false));
            }
            left = right;
        }
        Ok(Value::from(true))
    }

    fn filter(&mut self, filter: &ast::Filter<'t>, line: u16) -> Result<Value, Box<Halt>> {
        let Some(expr) = &filter.expr else {
            return Err(Why::NotAvailable("filter").at(line));
        };
        let value = self.eval(expr)?;
        let arguments = self.arguments(&filter.args, line)?;
        let result = match filter.name {
            "join" => self.join(value, arguments),
            name => language::filter(self.meter, name, value, arguments),
        };
        result.map_err(|why| why.at(line))
    }

    fn join(&mut self, value: Value, mut arguments: Arguments<'_>) -> Result<Value, Why> {
        let between = arguments.next("d").unwrap_or_else(|| Value::text(""));
        let attribute = arguments.next("attribute");
        arguments.done()?;
        let between = between.to_text()?;
        let items = self.items(value)?;
        let mut joined = String::new();
        for (index, item) in items.iter().enumerate() {
            let item = Value::Item(item.clone());
            let item = match &attribute {
                Some(attribute) => self.member(&item, &attribute.to_text()?)?,
                None => item,
            };
            let text = item.to_text()?;
            self.meter.pay(FUEL)?;
            self.meter.bytes(text.len().saturating_add(between.len()))?;
            if index > 0 {
                joined.push_str(&between);
            }
            joined.push_str(&text);
        }
        Ok(Value::text(joined))
    }

    fn arguments(&mut self, args: &[CallArg<'t>], line: u16) -> Result<Arguments<'t>, Box<Halt>> {
        let mut arguments = Arguments::default();
        for arg in args {
            match arg {
                CallArg::Pos(expr) => arguments.positional.push(self.eval(expr)?),
                CallArg::Kwarg(name, expr) => arguments.named.push((name, self.eval(expr)?)),
                CallArg::PosSplat(_) | CallArg::KwargSplat(_) => {
                    return Err(Why::NotAvailable("* before an argument").at(line));
                }
            }
        }
        Ok(arguments)
    }

    fn slice(&mut self, slice: &ast::Slice<'t>, line: u16) -> Result<Value, Box<Halt>> {
        let value = self.eval(&slice.expr)?;
        let mut bounds = [None, None, None];
        for (bound, expr) in bounds
            .iter_mut()
            .zip([&slice.start, &slice.stop, &slice.step])
        {
            if let Some(expr) = expr {
                *bound = Some(self.eval(expr)?);
            }
        }
        ops::slice(self.meter, &value, bounds).map_err(|why| why.at(line))
    }

    fn list(&mut self, exprs: &[Expr<'t>], line: u16) -> Result<Value, Box<Halt>> {
        self.meter.places(exprs.len()).map_err(|why| why.at(line))?;
        let mut items = Vec::with_capacity(exprs.len());
        for expr in exprs {
            let item = self.eval(expr)?.into_item();
            items.push(item.map_err(|why| why.at(expr.span().start_line))?);
        }
        Ok(Value::List(items.into()))
    }

    fn variable(&mut self, name: &'t str) -> Result<Value, Why> {
        for frame in self.frames.iter().rev() {
            if let Some(value) = frame.names.get(name) {
                return Ok(value.clone());
            }
            if name == "loop"
                && let Some(turn) = frame.turn
            {
                return Ok(Value::Loop(turn));
            }
        }
        match name {
            "device" => Ok(Value::Device),
            "urls" => Ok(Value::Urls),
            _ => match self.record.read(self.meter, name)? {
                Some(value) => Ok(value),
                None => {
                    self.record.miss("", name);
                    Ok(Value::Undefined)
                }
            },
        }
    }

    /// `value.name`
    fn member(&mut self, value: &Value, name: &str) -> Result<Value, Why> {
        let (group, found) = match value {
            Value::Undefined | Value::Nothing => return Err(Why::Undefined),
            Value::Device => ("device.", self.record.device(name)),
            Value::Urls => ("urls.", self.record.url(name)),
            Value::Loop(turn) => return Ok(turn.member(name).unwrap_or(Value::Undefined)),
            Value::Item(Item::Parameter(rest, setting)) => {
                return match name {
                    "name" => Ok(Value::Item(Item::Text(Arc::clone(rest)))),
                    "value" => self.record.read_at(self.meter, *setting),
                    _ => Ok(Value::Undefined),
                };
            }
            _ => return Ok(Value::Undefined),
        };
        if found.is_none() {
            self.record.miss(group, name);
        }
        Ok(found.map_or(Value::Undefined, Value::text))
    }

    /// `value[key]`
    fn at(&mut self, value: &Value, key: &Value) -> Result<Value, Why> {
        if let Value::Item(Item::Text(name)) = key {
            self.meter.bytes(name.len())?;
            return self.member(value, name);
        }
        let place = |length: usize| {
            let Value::Item(Item::Int(at)) = key else {
                return None;
            };
            let at = if *at < 0 {
                at.checked_add(length as i128)?
            } else {
                *at
            };
            usize::try_from(at).ok()
        };
        match value {
            Value::Undefined | Value::Nothing => Err(Why::Undefined),
            Value::List(items) => {
                let item = place(items.len()).and_then(|at| items.get(at));
                Ok(item.cloned().map_or(Value::Undefined, Value::Item))
            }
            Value::Item(Item::Text(text)) => {
                self.meter.bytes(text.len().saturating_mul(2))?;
                let one = place(text.chars().count()).and_then(|at| text.chars().nth(at));
                Ok(one.map_or(Value::Undefined, |one| Value::text(one.to_string())))
            }
            _ => Ok(Value::Undefined),
        }
    }

    fn call(&mut self, call: &ast::Call<'t>, line: u16) -> Result<Value, Box<Halt>> {
        let here = |why: Why| why.at(line);
        match &call.expr {
            Expr::Var(name) => {
                let arguments = self.arguments(&call.args, line)?;
                self.function(name.id, arguments).map_err(here)
            }
            Expr::GetAttr(method) if method.name == "cycle" => {
                let Value::Loop(turn) = self.eval(&method.expr)? else {
                    return Err(here(language::no_method()));
                };
                let mut arguments = self.arguments(&call.args, line)?.positional;
                if arguments.is_empty() {
                    return Ok(Value::Undefined);
                }
                let at = turn.index % arguments.len();
                Ok(arguments.swap_remove(at))
            }
            _ => Err(here(language::no_method())),
        }
    }

    fn function(&mut self, name: &str, mut arguments: Arguments<'_>) -> Result<Value, Why> {
        let value = match name {
            "range" => {
                let first = arguments.needed("start")?.to_int()?;
                let (first, end) = match arguments.next("stop") {
                    None | Some(Value::None) => (0, first),
                    Some(end) => (first, end.to_int()?),
                };
                let length = end.saturating_sub(first).max(0);
                if length > MAX_RANGE {
                    return Err(Why::Failed(
                        format!("a range has at most {MAX_RANGE} numbers").into(),
                    ));
                }
                self.meter
                    .places(usize::try_from(length).unwrap_or(usize::MAX))?;
                Value::List((first..end).map(Item::Int).collect())
            }
            "setting" => {
                let wanted = arguments.needed("name")?;
                let wanted = wanted.to_text()?;
                self.meter.bytes(wanted.len())?;
                let default = arguments.next("default");
                match (self.record.read(self.meter, &wanted)?, default) {
                    (Some(value), _) | (None, Some(value)) => value,
                    (None, None) => {
                        return Err(Why::Missing(wanted.chars().take(MAX_NAME_SHOWN).collect()));
                    }
                }
            }
            "parameters" => {
                let prefix = arguments.needed("prefix")?;
                let prefix = prefix.to_text()?;
                self.meter.bytes(prefix.len())?;
                self.record.parameters(self.meter, &prefix)?
            }
            _ => return Err(language::unknown("function", name, &FUNCTIONS)),
        };
        arguments.done()?;
        Ok(value)
    }
}
