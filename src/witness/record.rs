//! What the witness keeps, in its own SQLite: how far the database has come, and the steps of the last
//! weeks, so that after a restore an operator can be told what was undone.

use ringfence_sql::{Sql, SqlError, args};
use serde::Deserialize;

use super::messages::{Call, Known, Reply};
use crate::model::standing::{Standing, Step};
use crate::platform::DAY_MS;

/// Steps are kept for so long: five days more than D1 can be put back.
const KEPT_MS: u64 = 35 * DAY_MS;

/// And not more than so many.
const MAX_STEPS: u64 = 200_000;

/// So many old steps go each time: a row that is added makes room for more than itself.
const PRUNED: u32 = 10;

/// The witness's tables over a database.
pub struct Record<S> {
    sql: S,
}

#[derive(Deserialize)]
struct StateRow {
    number: Option<u64>,
    mark: Option<String>,
    previous: Option<String>,
    /// Of the database.
    database_era: u64,
    /// The highest that was promised.
    era: u64,
    /// Every step above this number was kept, if it was told.
    since: u64,
}

impl StateRow {
    fn known(self) -> Known {
        let (number, mark, previous) = (self.number, self.mark, self.previous);
        let standing = number.zip(mark).zip(previous);
        Known {
            standing: standing.map(|((number, mark), previous)| Standing {
                number,
                mark,
                previous,
                era: self.database_era,
            }),
            era: self.era,
        }
    }
}

#[derive(Deserialize)]
struct StepRow {
    number: u64,
    mark: String,
    previous: String,
    era: u64,
    action: String,
    tenant: Option<String>,
    object: String,
    token: String,
    generation: Option<u32>,
    at: u64,
}

impl From<StepRow> for Step {
    fn from(row: StepRow) -> Self {
        Self {
            standing: Standing {
                number: row.number,
                mark: row.mark,
                previous: row.previous,
                era: row.era,
            },
            action: row.action,
            tenant: row.tenant,
            object: row.object,
            token: row.token,
            generation: row.generation,
            at: row.at,
        }
    }
}

const COLUMNS: &str = "number, mark, previous, era, action, tenant, object, token, generation, at";

/// How a step fits to what is known.
enum Fit {
    Good,
    Doubtful,
    Foreign,
}

impl<S: Sql> Record<S> {
    /// Opens the tables.
    ///
    /// # Errors
    /// SQLite fails.
    pub fn open(sql: S) -> Result<Self, SqlError> {
        sql.run(
            "CREATE TABLE IF NOT EXISTS state (id INTEGER PRIMARY KEY NOT NULL CHECK (id = 1), \
             number INTEGER, mark TEXT, previous TEXT, database_era INTEGER NOT NULL, \
             era INTEGER NOT NULL, since INTEGER NOT NULL) STRICT",
            &[],
        )?;
        sql.run(
            "INSERT INTO state (id, database_era, era, since) VALUES (1, 0, 0, 0) \
             ON CONFLICT DO NOTHING",
            &[],
        )?;
        sql.run(
            "CREATE TABLE IF NOT EXISTS steps (number INTEGER PRIMARY KEY NOT NULL, \
             mark TEXT NOT NULL, previous TEXT NOT NULL, era INTEGER NOT NULL, \
             action TEXT NOT NULL, tenant TEXT, object TEXT NOT NULL, token TEXT NOT NULL, \
             generation INTEGER, at INTEGER NOT NULL) STRICT",
            &[],
        )?;
        Ok(Self { sql })
    }

    /// Answers a call. All that it writes is written at once: nothing is waited for in between.
    ///
    /// # Errors
    /// SQLite fails.
    pub fn answer(&self, call: Call) -> Result<Reply, SqlError> {
        match call {
            Call::Look => Ok(Reply::Known(self.state()?.known())),
            Call::Tell { steps, checked } => self.tell(&steps, checked),
            Call::Above { number, limit } => self.above(number, limit),
            Call::Reserve { era } => {
                self.sql.run(
                    "UPDATE state SET era = max(era, ?) + 1 WHERE id = 1",
                    args![era],
                )?;
                Ok(Reply::Era(self.state()?.era))
            }
        }
    }

    fn state(&self) -> Result<StateRow, SqlError> {
        let rows = self.sql.rows(
            "SELECT number, mark, previous, database_era, era, since FROM state WHERE id = 1",
            &[],
        )?;
        rows.into_iter()
            .next()
            .ok_or_else(|| SqlError("the witness has lost its state".into()))
    }

    fn tell(&self, steps: &[Step], checked: bool) -> Result<Reply, SqlError> {
        // First all of them, then the writing: what is refused leaves nothing.
        let mut known = self.state()?.known().standing;
        for step in steps {
            match self.fit(&step.standing, known.as_ref())? {
                Fit::Foreign => return Ok(Reply::Foreign(self.state()?.known())),
                Fit::Doubtful if !checked => return Ok(Reply::Doubtful(self.state()?.known())),
                Fit::Good | Fit::Doubtful => {}
            }
            if is_above(&step.standing, known.as_ref()) {
                known = Some(step.standing.clone());
            }
        }
        for step in steps {
            let state = self.state()?;
            if state.number.is_none() {
                // What came before is not known.
                self.sql.run(
                    "UPDATE state SET since = ? WHERE id = 1",
                    args![step.standing.number.saturating_sub(1)],
                )?;
            }
            self.keep(step)?;
            if is_above(&step.standing, state.known().standing.as_ref()) {
                self.set(&step.standing)?;
                self.prune(step.standing.number, step.at)?;
            }
        }
        Ok(Reply::Witnessed(self.state()?.known()))
    }

    fn fit(&self, told: &Standing, known: Option<&Standing>) -> Result<Fit, SqlError> {
        let Some(known) = known else {
            return Ok(Fit::Good);
        };
        if let Some(step) = self.step(told.number)? {
            // Told twice, or a number given twice.
            return Ok(if step.standing.mark == told.mark {
                Fit::Good
            } else {
                Fit::Foreign
            });
        }
        if told.number > known.number {
            let next = told.number == known.number + 1;
            return Ok(if !next || told.previous == known.mark {
                Fit::Good
            } else {
                Fit::Foreign
            });
        }
        if told.number == known.number {
            return Ok(if told.mark == known.mark {
                Fit::Good
            } else {
                Fit::Foreign
            });
        }
        // The step that came after it says from which one it was taken.
        Ok(match self.step(told.number + 1)? {
            Some(next) if next.standing.previous == told.mark => Fit::Good,
            Some(_) => Fit::Foreign,
            None => Fit::Doubtful,
        })
    }

    fn step(&self, number: u64) -> Result<Option<Step>, SqlError> {
        let rows: Vec<StepRow> = self.sql.rows(
            &format!("SELECT {COLUMNS} FROM steps WHERE number = ?"),
            args![number],
        )?;
        Ok(rows.into_iter().next().map(Step::from))
    }

    fn keep(&self, step: &Step) -> Result<(), SqlError> {
        self.sql.run(
            "INSERT INTO steps (number, mark, previous, era, action, tenant, object, token, \
             generation, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            args![
                step.standing.number,
                &step.standing.mark,
                &step.standing.previous,
                step.standing.era,
                &step.action,
                step.tenant.as_deref(),
                &step.object,
                &step.token,
                step.generation,
                step.at
            ],
        )
    }

    fn set(&self, standing: &Standing) -> Result<(), SqlError> {
        self.sql.run(
            "UPDATE state SET number = ?, mark = ?, previous = ?, database_era = ? WHERE id = 1",
            args![
                standing.number,
                &standing.mark,
                &standing.previous,
                standing.era
            ],
        )
    }

    /// Removes some of the oldest steps that are too old, or too many.
    fn prune(&self, number: u64, now: u64) -> Result<(), SqlError> {
        #[derive(Deserialize)]
        struct Old {
            number: u64,
        }
        let old: Vec<Old> = self.sql.rows(
            "SELECT number FROM (SELECT number, at FROM steps WHERE number > 0 \
             ORDER BY number LIMIT ?) \
             WHERE at < ? OR number <= ?",
            args![
                PRUNED,
                now.saturating_sub(KEPT_MS),
                number.saturating_sub(MAX_STEPS)
            ],
        )?;
        for Old { number } in old {
            self.sql
                .run("DELETE FROM steps WHERE number = ?", args![number])?;
            self.sql.run(
                "UPDATE state SET since = max(since, ?) WHERE id = 1",
                args![number],
            )?;
        }
        Ok(())
    }

    fn above(&self, number: u64, limit: u32) -> Result<Reply, SqlError> {
        let rows: Vec<StepRow> = self.sql.rows(
            &format!("SELECT {COLUMNS} FROM steps WHERE number > ? ORDER BY number LIMIT ?"),
            args![number, u64::from(limit) + 1],
        )?;
        Ok(Reply::Steps {
            more: rows.len() > limit as usize,
            complete: self.state()?.since <= number,
            steps: rows
                .into_iter()
                .take(limit as usize)
                .map(Step::from)
                .collect(),
        })
    }
}

fn is_above(told: &Standing, known: Option<&Standing>) -> bool {
    known.is_none_or(|known| told.number > known.number)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::witness::tests::at;
    use ringfence_sql::Memory;

    fn step(standing: Standing) -> Step {
        Step {
            at: 1_000_000_000_000 + standing.number,
            standing,
            action: "device.rekey".into(),
            tenant: Some("T".into()),
            object: "devices/0080F0C571EB".into(),
            token: "admin".into(),
            generation: None,
        }
    }

    fn tell(record: &Record<Memory>, standing: Standing, checked: bool) -> Reply {
        let steps = vec![step(standing)];
        record.answer(Call::Tell { steps, checked }).unwrap()
    }

    fn known(record: &Record<Memory>) -> Option<Standing> {
        match record.answer(Call::Look).unwrap() {
            Reply::Known(known) => known.standing,
            other => panic!("{other:?}"),
        }
    }

    fn record() -> Record<Memory> {
        Record::open(Memory::new()).unwrap()
    }

    #[test]
    fn an_empty_witness_believes_the_first_who_tells() {
        let record = record();
        assert_eq!(known(&record), None);
        assert!(matches!(
            tell(&record, at(40, "a"), false),
            Reply::Witnessed(_)
        ));
        assert_eq!(known(&record), Some(at(40, "a")));
    }

    #[test]
    fn steps_may_come_in_any_order_and_twice() {
        let record = record();
        for number in [1, 2, 5, 3] {
            let reply = tell(&record, at(number, "a"), number == 3);
            assert!(matches!(reply, Reply::Witnessed(_)), "{number}: {reply:?}");
        }
        // Step 5 says from which it was taken: 4 is known without a question.
        assert!(matches!(
            tell(&record, at(4, "a"), false),
            Reply::Witnessed(_)
        ));
        assert!(matches!(
            tell(&record, at(4, "a"), false),
            Reply::Witnessed(_)
        ));
        assert_eq!(known(&record), Some(at(5, "a")));
    }

    #[test]
    fn a_step_of_before_is_doubted_until_the_database_was_read_again() {
        let record = record();
        tell(&record, at(1, "a"), false);
        tell(&record, at(9, "a"), false);
        assert!(matches!(
            tell(&record, at(4, "a"), false),
            Reply::Doubtful(_)
        ));
        assert!(matches!(
            tell(&record, at(4, "a"), true),
            Reply::Witnessed(_)
        ));
        assert_eq!(known(&record), Some(at(9, "a")));
    }

    #[test]
    fn a_number_that_is_given_twice_is_foreign_whatever_was_checked() {
        let record = record();
        for number in [1, 2, 3, 7] {
            tell(&record, at(number, "a"), false);
        }
        for number in [1, 3, 6, 7, 8] {
            let reply = tell(&record, at(number, "b"), true);
            assert!(matches!(reply, Reply::Foreign(_)), "{number}: {reply:?}");
        }
        assert_eq!(known(&record), Some(at(7, "a")));
    }

    #[test]
    fn of_steps_that_are_refused_none_is_kept() {
        let record = record();
        tell(&record, at(3, "a"), false);
        let steps = vec![step(at(4, "a")), step(at(3, "b"))];
        let reply = record.answer(Call::Tell {
            steps,
            checked: true,
        });
        assert!(matches!(reply.unwrap(), Reply::Foreign(_)));
        assert_eq!(known(&record), Some(at(3, "a")));
    }

    #[test]
    fn what_was_undone_is_listed_and_whether_that_is_all() {
        let record = record();
        for number in 5..=9 {
            tell(&record, at(number, "a"), false);
        }
        let above = |number, limit| match record.answer(Call::Above { number, limit }).unwrap() {
            Reply::Steps {
                steps,
                more,
                complete,
            } => {
                let numbers: Vec<u64> = steps.iter().map(|step| step.standing.number).collect();
                (numbers, more, complete)
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(above(7, 10), (vec![8, 9], false, true));
        assert_eq!(above(4, 5), (vec![5, 6, 7, 8, 9], false, true));
        assert_eq!(above(4, 2), (vec![5, 6], true, true));
        // Before it was told anything.
        assert_eq!(above(3, 5), (vec![5, 6, 7, 8, 9], false, false));
    }

    #[test]
    fn a_database_taken_into_use_goes_on_from_what_was_witnessed() {
        let record = record();
        for number in 1..=5 {
            tell(&record, at(number, "a"), false);
        }
        assert_eq!(
            record.answer(Call::Reserve { era: 0 }).unwrap(),
            Reply::Era(1)
        );
        let standing = Standing {
            previous: "a5".into(),
            era: 1,
            ..at(6, "b")
        };
        assert!(matches!(
            tell(&record, standing.clone(), false),
            Reply::Witnessed(_)
        ));
        assert_eq!(known(&record), Some(standing));
        // The database of before the restore is a stranger now.
        assert!(matches!(tell(&record, at(6, "a"), true), Reply::Foreign(_)));
        assert!(matches!(
            tell(&record, at(7, "b"), false),
            Reply::Witnessed(_)
        ));
        // An era is never promised twice.
        for era in 2..5 {
            let call = Call::Reserve { era: 0 };
            assert_eq!(record.answer(call).unwrap(), Reply::Era(era));
        }
        let call = Call::Reserve { era: 9 };
        assert_eq!(record.answer(call).unwrap(), Reply::Era(10));
    }

    #[test]
    fn old_steps_go_and_the_record_says_so() {
        let record = record();
        for number in 1..=3 {
            tell(&record, at(number, "a"), false);
        }
        let late = Step {
            at: 1_000_000_000_000 + KEPT_MS + 100,
            ..step(at(4, "a"))
        };
        let steps = vec![late];
        record
            .answer(Call::Tell {
                steps,
                checked: false,
            })
            .unwrap();
        let Reply::Steps {
            steps, complete, ..
        } = record
            .answer(Call::Above {
                number: 0,
                limit: 10,
            })
            .unwrap()
        else {
            panic!("no steps");
        };
        assert_eq!((steps.len(), complete), (1, false));
        assert!(record.sql.scans().is_empty(), "{:?}", record.sql.scans());
    }
}
