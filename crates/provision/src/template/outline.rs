//! What can be said against a template before it is run: what would fail whatever the settings
//! are. Running it refuses the same, where it comes to it.

use minijinja::machinery::ast::{Call, CallArg, Expr, Stmt};

use super::error::RenderError;
use super::eval::Why;
use super::language::{self, FILTERS, FUNCTIONS, TESTS};

/// Checks a whole template.
pub(super) fn check(template: &Stmt<'_>, file: &str) -> Result<(), RenderError> {
    statement(template).map_err(|(line, why)| {
        let (line, file) = (u32::from(line), file.to_owned());
        match why {
            Why::Nested => RenderError::Nested { file, line },
            Why::NotAvailable(what) => RenderError::NotAvailable {
                what: what.to_owned(),
                file,
                line,
            },
            Why::Failed(message) => RenderError::Failed {
                file,
                line,
                message: message.into_owned(),
            },
            _ => RenderError::TooMuchWork { file, line },
        }
    })
}

type Refusal = (u16, Why);

fn statement(statement: &Stmt<'_>) -> Result<(), Refusal> {
    match statement {
        Stmt::Template(template) => all(&template.children),
        Stmt::EmitRaw(_) => Ok(()),
        Stmt::EmitExpr(emit) => expression(&emit.expr),
        Stmt::IfCond(condition) => {
            expression(&condition.expr)?;
            all(&condition.true_body)?;
            all(&condition.false_body)
        }
        Stmt::Set(set) => expression(&set.expr),
        Stmt::WithBlock(with) => {
            for (_, value) in &with.assignments {
                expression(value)?;
            }
            all(&with.body)
        }
        Stmt::ForLoop(each) => {
            if each.recursive {
                return Err((each.span().start_line, Why::NotAvailable("recursive")));
            }
            expression(&each.iter)?;
            if let Some(condition) = &each.filter_expr {
                expression(condition)?;
            }
            all(&each.body)?;
            all(&each.else_body)
        }
        Stmt::SetBlock(other) => Err((other.span().start_line, Why::NotAvailable("set"))),
        Stmt::AutoEscape(other) => Err((other.span().start_line, Why::NotAvailable("autoescape"))),
        Stmt::FilterBlock(other) => Err((other.span().start_line, Why::NotAvailable("filter"))),
        Stmt::Do(other) => Err((other.span().start_line, Why::NotAvailable("do"))),
    }
}

fn all(body: &[Stmt<'_>]) -> Result<(), Refusal> {
    body.iter().try_for_each(statement)
}

fn expression(expr: &Expr<'_>) -> Result<(), Refusal> {
    let line = expr.span().start_line;
    match expr {
        Expr::Var(_) | Expr::Const(_) => Ok(()),
        Expr::UnaryOp(unary) => expression(&unary.expr),
        Expr::BinOp(binary) => {
            expression(&binary.left)?;
            expression(&binary.right)
        }
        Expr::Compare(compare) => {
            expression(&compare.expr)?;
            compare
                .ops
                .iter()
                .try_for_each(|next| expression(&next.expr))
        }
        Expr::IfExpr(choice) => {
            expression(&choice.test_expr)?;
            expression(&choice.true_expr)?;
            choice.false_expr.iter().try_for_each(expression)
        }
        Expr::Filter(filter) => {
            filter.expr.iter().try_for_each(expression)?;
            known(line, "filter", filter.name, &FILTERS)?;
            arguments(line, &filter.args)
        }
        Expr::Test(test) => {
            expression(&test.expr)?;
            known(line, "test", test.name, &TESTS)?;
            arguments(line, &test.args)
        }
        Expr::GetAttr(get) => expression(&get.expr),
        Expr::GetItem(get) => {
            expression(&get.expr)?;
            expression(&get.subscript_expr)
        }
        Expr::Slice(slice) => {
            expression(&slice.expr)?;
            let bounds = [&slice.start, &slice.stop, &slice.step];
            bounds.into_iter().flatten().try_for_each(expression)
        }
        Expr::Call(one) => call(line, one),
        Expr::List(list) => items(&list.items),
        Expr::Tuple(tuple) => items(&tuple.items),
        Expr::Map(_) => Err((line, language::no_maps())),
    }
}

fn items(items: &[Expr<'_>]) -> Result<(), Refusal> {
    for item in items {
        if matches!(item, Expr::List(_) | Expr::Tuple(_) | Expr::Map(_)) {
            return Err((item.span().start_line, Why::Nested));
        }
        expression(item)?;
    }
    Ok(())
}

fn call(line: u16, call: &Call<'_>) -> Result<(), Refusal> {
    match &call.expr {
        Expr::Var(name) => known(line, "function", name.id, &FUNCTIONS)?,
        Expr::GetAttr(method) if method.name == "cycle" => expression(&method.expr)?,
        _ => return Err((line, language::no_method())),
    }
    arguments(line, &call.args)
}

fn arguments(line: u16, args: &[CallArg<'_>]) -> Result<(), Refusal> {
    args.iter().try_for_each(|arg| match arg {
        CallArg::Pos(expr) | CallArg::Kwarg(_, expr) => expression(expr),
        CallArg::PosSplat(_) | CallArg::KwargSplat(_) => {
            Err((line, Why::NotAvailable("* before an argument")))
        }
    })
}

fn known(line: u16, what: &str, name: &str, known: &[&str]) -> Result<(), Refusal> {
    if known.contains(&name) {
        Ok(())
    } else {
        Err((line, language::unknown(what, name, known)))
    }
}
