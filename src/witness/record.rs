//! What the witness keeps, in its own SQLite: how far the database has come, and the steps of the last
//! weeks, so that after a restore an operator can be told what was undone.

use ringfence_sql::{Sql, SqlError, args};
use serde::Deserialize;

use super::messages::{KnownStanding, WitnessCall, WitnessReply};
use crate::model::standing::{Standing, Step};
use crate::platform::DAY_MS;

/// For how long steps are kept, in milliseconds: five days more than D1 can be put back.
const KEPT_MS: u64 = 35 * DAY_MS;

/// The most steps that are kept.
const MAX_STEPS: u64 = 200_000;

/// The most old steps that go each time: a row that is added makes room for more than itself.
const MAX_PRUNED: u32 = 10;

/// The witness's tables over a database.
pub struct WitnessRecord<S> {
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
    /// Every step above this number was kept, if it was reported.
    since: u64,
}

impl StateRow {
    fn known(self) -> KnownStanding {
        let (number, mark, previous) = (self.number, self.mark, self.previous);
        let standing = number.zip(mark).zip(previous);
        KnownStanding {
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

impl<S: Sql> WitnessRecord<S> {
    /// Opens the tables.
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
    pub fn answer(&self, call: WitnessCall) -> Result<WitnessReply, SqlError> {
        match call {
            WitnessCall::Look => Ok(WitnessReply::Known(self.state()?.known())),
            WitnessCall::Report { steps, checked } => self.report(&steps, checked),
            WitnessCall::Above { number, limit } => self.above(number, limit),
            WitnessCall::Reserve { era } => {
                self.sql.run(
                    "UPDATE state SET era = max(era, ?) + 1 WHERE id = 1",
                    args![era],
                )?;
                Ok(WitnessReply::Era(self.state()?.era))
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

    fn report(&self, steps: &[Step], checked: bool) -> Result<WitnessReply, SqlError> {
        // First all of them, then the writing: what is refused leaves nothing.
        let mut known = self.state()?.known().standing;
        for step in steps {
            match self.fit(&step.standing, known.as_ref())? {
                Fit::Foreign => return Ok(WitnessReply::Foreign(self.state()?.known())),
                Fit::Doubtful if !checked => {
                    return Ok(WitnessReply::Doubtful(self.state()?.known()));
                }
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
        Ok(WitnessReply::Witnessed(self.state()?.known()))
    }

    fn fit(&self, reported: &Standing, known: Option<&Standing>) -> Result<Fit, SqlError> {
        let Some(known) = known else {
            return Ok(Fit::Good);
        };
        if let Some(step) = self.step(reported.number)? {
            // Told twice, or a number given twice.
            return Ok(if step.standing.mark == reported.mark {
                Fit::Good
            } else {
                Fit::Foreign
            });
        }
        if reported.number > known.number {
            let next = reported.number == known.number + 1;
            return Ok(if !next || reported.previous == known.mark {
                Fit::Good
            } else {
                Fit::Foreign
            });
        }
        if reported.number == known.number {
            return Ok(if reported.mark == known.mark {
                Fit::Good
            } else {
                Fit::Foreign
            });
        }
        // The step that came after it says from which one it was taken.
        Ok(match self.step(reported.number + 1)? {
            Some(next) if next.standing.previous == reported.mark => Fit::Good,
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
                MAX_PRUNED,
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

    fn above(&self, number: u64, limit: u32) -> Result<WitnessReply, SqlError> {
        let rows: Vec<StepRow> = self.sql.rows(
            &format!("SELECT {COLUMNS} FROM steps WHERE number > ? ORDER BY number LIMIT ?"),
            args![number, u64::from(limit) + 1],
        )?;
        Ok(WitnessReply::Steps {
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

fn is_above(reported: &Standing, known: Option<&Standing>) -> bool {
    known.is_none_or(|known| reported.number > known.number)
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

    fn report(record: &WitnessRecord<Memory>, standing: Standing, checked: bool) -> WitnessReply {
        let steps = vec![step(standing)];
        record
            .answer(WitnessCall::Report { steps, checked })
            .unwrap()
    }

    fn known(record: &WitnessRecord<Memory>) -> Option<Standing> {
        match record.answer(WitnessCall::Look).unwrap() {
            WitnessReply::Known(known) => known.standing,
            other => panic!("{other:?}"),
        }
    }

    fn record() -> WitnessRecord<Memory> {
        WitnessRecord::open(Memory::new()).unwrap()
    }

    #[test]
    fn an_empty_witness_believes_the_first_who_tells() {
        let record = record();
        assert_eq!(known(&record), None);
        assert!(matches!(
            report(&record, at(40, "a"), false),
            WitnessReply::Witnessed(_)
        ));
        assert_eq!(known(&record), Some(at(40, "a")));
    }

    #[test]
    fn steps_may_come_in_any_order_and_twice() {
        let record = record();
        for number in [1, 2, 5, 3] {
            let reply = report(&record, at(number, "a"), number == 3);
            assert!(
                matches!(reply, WitnessReply::Witnessed(_)),
                "{number}: {reply:?}"
            );
        }
        // Step 5 says from which it was taken: 4 is known without a question.
        assert!(matches!(
            report(&record, at(4, "a"), false),
            WitnessReply::Witnessed(_)
        ));
        assert!(matches!(
            report(&record, at(4, "a"), false),
            WitnessReply::Witnessed(_)
        ));
        assert_eq!(known(&record), Some(at(5, "a")));
    }

    #[test]
    fn a_step_of_before_is_doubted_until_the_database_was_read_again() {
        let record = record();
        report(&record, at(1, "a"), false);
        report(&record, at(9, "a"), false);
        assert!(matches!(
            report(&record, at(4, "a"), false),
            WitnessReply::Doubtful(_)
        ));
        assert!(matches!(
            report(&record, at(4, "a"), true),
            WitnessReply::Witnessed(_)
        ));
        assert_eq!(known(&record), Some(at(9, "a")));
    }

    #[test]
    fn a_number_that_is_given_twice_is_foreign_whatever_was_checked() {
        let record = record();
        for number in [1, 2, 3, 7] {
            report(&record, at(number, "a"), false);
        }
        for number in [1, 3, 6, 7, 8] {
            let reply = report(&record, at(number, "b"), true);
            assert!(
                matches!(reply, WitnessReply::Foreign(_)),
                "{number}: {reply:?}"
            );
        }
        assert_eq!(known(&record), Some(at(7, "a")));
    }

    #[test]
    fn of_steps_that_are_refused_none_is_kept() {
        let record = record();
        report(&record, at(3, "a"), false);
        let steps = vec![step(at(4, "a")), step(at(3, "b"))];
        let reply = record.answer(WitnessCall::Report {
            steps,
            checked: true,
        });
        assert!(matches!(reply.unwrap(), WitnessReply::Foreign(_)));
        assert_eq!(known(&record), Some(at(3, "a")));
    }

    #[test]
    fn what_was_undone_is_listed_and_whether_that_is_all() {
        let record = record();
        for number in 5..=9 {
            report(&record, at(number, "a"), false);
        }
        let above =
            |number, limit| match record.answer(WitnessCall::Above { number, limit }).unwrap() {
                WitnessReply::Steps {
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
        // Before anything was reported to it.
        assert_eq!(above(3, 5), (vec![5, 6, 7, 8, 9], false, false));
    }

    #[test]
    fn a_database_taken_into_use_goes_on_from_what_was_witnessed() {
        let record = record();
        for number in 1..=5 {
            report(&record, at(number, "a"), false);
        }
        assert_eq!(
            record.answer(WitnessCall::Reserve { era: 0 }).unwrap(),
            WitnessReply::Era(1)
        );
        let standing = Standing {
            previous: "a5".into(),
            era: 1,
            ..at(6, "b")
        };
        assert!(matches!(
            report(&record, standing.clone(), false),
            WitnessReply::Witnessed(_)
        ));
        assert_eq!(known(&record), Some(standing));
        // The database of before the restore is a stranger now.
        assert!(matches!(
            report(&record, at(6, "a"), true),
            WitnessReply::Foreign(_)
        ));
        assert!(matches!(
            report(&record, at(7, "b"), false),
            WitnessReply::Witnessed(_)
        ));
        // An era is never promised twice.
        for era in 2..5 {
            let call = WitnessCall::Reserve { era: 0 };
            assert_eq!(record.answer(call).unwrap(), WitnessReply::Era(era));
        }
        let call = WitnessCall::Reserve { era: 9 };
        assert_eq!(record.answer(call).unwrap(), WitnessReply::Era(10));
    }

    #[test]
    fn old_steps_go_and_the_record_says_so() {
        let record = record();
        for number in 1..=3 {
            report(&record, at(number, "a"), false);
        }
        let late = Step {
            at: 1_000_000_000_000 + KEPT_MS + 100,
            ..step(at(4, "a"))
        };
        let steps = vec![late];
        record
            .answer(WitnessCall::Report {
                steps,
                checked: false,
            })
            .unwrap();
        let WitnessReply::Steps {
            steps, complete, ..
        } = record
            .answer(WitnessCall::Above {
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
