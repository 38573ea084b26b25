//! The database of a bot: read and changed behind the program's back, or by its commands.

use std::time::Duration;

use relatch::surface::domain::ResetId;

use super::{START, TestBot};

/// How a command of the program ended.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl TestBot {
    /// Writes the settings of the commands that [`TestBot::relatch`] runs.
    pub(crate) fn write_settings(&self, text: &str) {
        std::fs::write(self.parts.folder.join("relatch.toml"), text).unwrap();
    }

    /// Runs a command of the program beside this bot, on its database, and what is typed into it.
    pub(crate) fn relatch(&self, words: &[&str]) -> Ran {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_relatch"));
        command
            .args(words)
            .current_dir(&self.parts.folder)
            .env_clear()
            .stdin(std::process::Stdio::null());
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ran {
            code: output.status.code().unwrap(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }

    /// `members import` of a CSV with these lines; the header is of their width.
    pub(crate) fn import(&self, lines: &[&str], options: &[&str]) -> Ran {
        const HEADER: &str = "name,business_email,login_method,status,phone,personal_email,role,department,manager_email,employee_id";
        let first = lines.first().unwrap_or(&"");
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(first.as_bytes());
        let has_ids = reader
            .records()
            .next()
            .is_some_and(|record| record.unwrap().len() == 10);
        let header = if has_ids {
            HEADER
        } else {
            HEADER.trim_end_matches(",employee_id")
        };
        let csv = [&[header], lines].concat().join("\n");
        std::fs::write(self.parts.folder.join("people.csv"), csv).unwrap();
        self.relatch(&[&["members", "import", "people.csv"], options].concat())
    }

    /// Changes the database behind the program's back.
    pub(crate) async fn sql(&self, statement: &str) {
        let mut connection = self.connection().await;
        sqlx::Executor::execute(&mut connection, sqlx::AssertSqlSafe(statement.to_owned()))
            .await
            .unwrap();
    }

    pub(super) async fn connection(&self) -> sqlx::SqliteConnection {
        let options = sqlx::sqlite::SqliteConnectOptions::new()
            .filename(self.parts.folder.join("relatch.db"));
        sqlx::ConnectOptions::connect(&options).await.unwrap()
    }

    /// Somebody else writes to the record for so long.
    pub(crate) async fn keep_the_record_busy(&self, span: Duration) {
        let mut connection = self.connection().await;
        sqlx::Executor::execute(&mut connection, "begin immediate")
            .await
            .unwrap();
        tokio::time::sleep(span).await;
        sqlx::Executor::execute(&mut connection, "rollback")
            .await
            .unwrap();
    }

    async fn look(&self, sql: &str) -> sqlx::sqlite::SqliteRow {
        let mut connection = self.connection().await;
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .fetch_one(&mut connection)
            .await
            .unwrap()
    }

    /// Changes the record behind the program's back.
    pub(crate) async fn execute(&self, sql: &'static str) {
        let mut connection = self.connection().await;
        sqlx::Executor::execute(&mut connection, sql).await.unwrap();
    }

    /// The only card that was made.
    pub(crate) async fn only_offer(&self) -> ResetId {
        assert_eq!(self.count("reset").await, 1);
        let row = self.look("select reset_id from reset").await;
        sqlx::Row::get::<String, _>(&row, 0).parse().unwrap()
    }

    /// What the audit says of one kind of event, in order.
    pub(crate) async fn audited(&self, event: &str) -> String {
        let sql = format!(
            "select coalesce(group_concat(outcome, ' '), '') from (select outcome from audit where event = '{event}' order by seq)"
        );
        sqlx::Row::get(&self.look(&sql).await, 0)
    }

    /// The audit after its first `from` lines, a line each and whole: when, what, how it ended, where, who, whom, in which
    /// reset and under which reference. Resets are numbered as they come.
    pub(crate) async fn audit_after(&self, from: i64) -> Vec<String> {
        let mut connection = self.connection().await;
        let mut texts = async |sql: String| -> Vec<String> {
            sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
                .fetch_all(&mut connection)
                .await
                .unwrap()
        };
        let resets = texts(
            "select reset_id from audit where reset_id is not null group by reset_id order by min(seq)"
                .to_owned(),
        )
        .await;
        let lines = texts(format!(
            "select concat_ws(' ', printf('+%ds', (noted_at - {}) / 1000), event, outcome,
                platform || '/' || tenant || '/' || chat_user, 'by ' || admin_id, 'of ' || member_id,
                'in ' || reset_id, 'ref=' || reference, '(' || detail || ')')
            from audit order by seq limit -1 offset {from}",
            START.0
        ))
        .await;
        let numbered = |line: String| {
            resets.iter().zip(1..).fold(line, |line, (id, n)| {
                let reference = id.parse::<ResetId>().unwrap().reference().to_string();
                line.replace(id, &format!("#{n}"))
                    .replace(&format!("ref={reference}"), &format!("ref=#{n}"))
            })
        };
        // Every other reference is its line's own.
        let own = |line: String| {
            let words = line.split(' ').map(|word| match word.strip_prefix("ref=") {
                Some(reference) if !reference.starts_with('#') => "ref",
                _ => word,
            });
            words.collect::<Vec<_>>().join(" ")
        };
        lines.into_iter().map(numbered).map(own).collect()
    }

    /// Gives a member of the built-in directory another id, as for a new person with the same address.
    pub(crate) async fn replace_id(&self, email: &str, id: &str) {
        self.look(&format!(
            "update member set member_id = '{id}' where business_email_key = '{email}' returning 1"
        ))
        .await;
    }

    /// The rows of a table.
    pub(crate) async fn count(&self, table: &str) -> i64 {
        sqlx::Row::get(
            &self.look(&format!("select count(*) from {table}")).await,
            0,
        )
    }

    /// Every row of a table, but for some columns: each as `table: name=value`, in order.
    pub(crate) async fn rows(&self, table: &str, without: &[&str]) -> Vec<String> {
        let mut connection = self.connection().await;
        let mut texts = async |sql: String| -> Vec<String> {
            sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
                .fetch_all(&mut connection)
                .await
                .unwrap()
        };
        let names = texts(format!("select name from pragma_table_info('{table}')")).await;
        let columns: Vec<String> = names
            .iter()
            .filter(|name| !without.contains(&name.as_str()))
            .map(|name| format!("' {name}=' || quote({name})"))
            .collect();
        let columns = columns.join(" || ");
        texts(format!(
            "select '{table}:' || {columns} from {table} order by 1"
        ))
        .await
    }

    /// Every byte that lies on disk.
    pub(crate) fn bytes_on_disk(&self) -> Vec<u8> {
        let files = std::fs::read_dir(&self.parts.folder)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        files
            .flat_map(|path| std::fs::read(path).unwrap())
            .collect()
    }

    /// What stands on disk, in a form that can be compared.
    pub(crate) async fn trace(&self) -> String {
        let sql = "select
            (select coalesce(group_concat(reset_id || state || coalesce(delivery, '')), '') from reset) || ' '
            || (select count(*) from slot) || ' ' || (select count(*) from slot where returned_at is not null) || ' '
            || (select count(*) from audit) || ' ' || (select count(*) from replay_key) || ' '
            || (select count(credential) from member)";
        sqlx::Row::get(&self.look(sql).await, 0)
    }
}
