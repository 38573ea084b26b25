//! `cargo bench`: the real server under signed requests, beside a bare axum + HMAC handler in the same run.
//!
//! What it prints: commands and confirmed clicks per second with their p50 and p99 at 1, 16 and 64 connections, look-ups
//! while Argon2id saturates its threads, commands while 2,000 sockets are stuck, memory idle and under load, and the time
//! from start to ready. `cargo bench -- clicks` runs one part. Nothing is asserted. `RELATCH=PROGRAM cargo bench` measures
//! another program than the one that cargo builds beside the benchmark, such as a copy of the one that is shipped, which
//! lies in the same place. `cargo test --bench webhooks -- --smoke` runs everything once, briefly and not optimised, so
//! that CI notices when the benchmark breaks.
//!
//! Servers run in processes of their own, pinned to the first core; the generator and a pretend Slack share the second.

mod load;
mod peers;
mod stuck;
mod world;

use std::time::Duration;

use load::{Load, Measured};
use peers::Peer;
use world::World;

/// How much is measured.
#[derive(Clone, Copy)]
struct Effort {
    /// How long one measurement takes.
    span: Duration,
    /// How often each is made; the median counts.
    rounds: usize,
    /// How many cards are confirmed in one measurement.
    clicks: usize,
    /// How often the program is started.
    starts: usize,
    /// How many sockets are stuck.
    sockets: usize,
}

const FULL: Effort = Effort {
    span: Duration::from_secs(3),
    rounds: 3,
    clicks: 6000,
    starts: 15,
    sockets: 2000,
};
const SMOKE: Effort = Effort {
    span: Duration::from_millis(200),
    rounds: 1,
    clicks: 64,
    starts: 1,
    sockets: 200,
};

const CONNECTIONS: [usize; 3] = [1, 16, 64];

fn main() {
    let words: Vec<String> = std::env::args().collect();
    if let Some(at) = words.iter().position(|word| word == "--role") {
        return peers::play(&words[at + 1], words.get(at + 2).map(String::as_str));
    }
    let effort = if words.iter().any(|word| word == "--smoke") {
        SMOKE
    } else {
        FULL
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    peers::pin(1);
    let parts: Vec<&str> = words
        .iter()
        .skip(1)
        .map(String::as_str)
        .filter(|word| !word.starts_with('-'))
        .collect();
    runtime.block_on(run(effort, &parts));
}

/// Runs the parts that are named, or all, each on databases of its own: none pays for what another left behind.
async fn run(effort: Effort, parts: &[&str]) {
    let slack = Peer::start("slack", None);
    let world = || World::new(slack.addr);
    let asked = |part| parts.is_empty() || parts.contains(&part);
    if asked("starts") {
        starts(&world(), effort).await;
    }
    if asked("commands") {
        commands(&world(), effort).await;
    }
    if asked("clicks") {
        clicks(&world(), effort).await;
    }
    if asked("isolation") {
        isolation(&world(), effort).await;
    }
    if asked("stuck") {
        stuck_sockets(&world(), effort).await;
    }
}

/// 50 signed commands a second from an address of their own, while sockets from sixteen others are stuck.
async fn stuck_sockets(world: &World, effort: Effort) {
    peers::raise_open_files();
    let (server, _) = Peer::serve_timed_with(world, &[("RELATCH_TRUSTED_PROXIES", "[]")]).await;
    println!(
        "\n{:<34}p50, p99, most in ms; memory",
        format!("{} stuck sockets", effort.sockets)
    );
    for way in stuck::ways() {
        let load = Load::new(server.addr, 8);
        let commands = load.run_paced(effort.span, Duration::from_millis(20), || world.command());
        let measured = stuck::while_stuck(server.addr, effort.sockets, &way, commands).await;
        println!(
            "{:<34}{:.2}, {:.2}, {:.2}; {:.1} MB",
            way.0,
            measured.millis(0.5),
            measured.millis(0.99),
            measured.millis(1.0),
            mega(server.resident_kib())
        );
    }
}

fn line(name: &str, measured: &[Measured]) {
    let cells: Vec<String> = measured
        .iter()
        .map(|one| {
            let micros = if one.micros.is_nan() {
                String::new()
            } else {
                format!("{:.0}", one.micros)
            };
            format!(
                "{:>8.0}/s {:>6.2} {:>6.2} {micros:>4}",
                one.per_second,
                one.millis(0.5),
                one.millis(0.99)
            )
        })
        .collect();
    println!("{name:<34}{}", cells.join("   "));
}

fn head(title: &str) {
    let cells: Vec<String> = CONNECTIONS
        .iter()
        .map(|conns| format!("{:>29}", format!("{conns} conn: p50, p99 ms, µs")))
        .collect();
    println!("\n{title:<34}{}", cells.join("   "));
}

/// From the start of the program to its first answer, on a database that is there; and its memory, idle.
async fn starts(world: &World, effort: Effort) {
    let mut times = Vec::new();
    let mut idle = 0;
    for _ in 0..effort.starts {
        let (server, took) = Peer::serve_timed(world).await;
        times.push(took);
        tokio::time::sleep(Duration::from_millis(300)).await;
        idle = server.resident_kib();
        drop(server);
    }
    times.sort();
    println!(
        "start to first answer              {:.1} ms least, {:.1} ms median",
        millis(times[0]),
        millis(times[times.len() / 2])
    );
    println!("memory, idle                       {:.1} MB", mega(idle));
}

fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "a figure to print")]
fn mega(kib: u64) -> f64 {
    kib as f64 * 1024.0 / 1e6
}

/// Commands that offer a card: signature, who is who, every rule, and the offer on disk before the answer.
async fn commands(world: &World, effort: Effort) {
    let bare = Peer::start("bare", None);
    let (server, _) = Peer::serve_timed(world).await;
    let mut rounds: Vec<[Vec<Measured>; 2]> = Vec::new();
    for _ in 0..effort.rounds {
        let mut both = [Vec::new(), Vec::new()];
        Load::new(server.addr, 64)
            .run_all(&mut world.next_crew())
            .await;
        for conns in CONNECTIONS {
            // In turn, so that a busy moment of the machine meets both.
            for (program, into) in [&bare, &server].into_iter().zip(&mut both) {
                let load = Load::new(program.addr, conns);
                load.run(Duration::from_millis(200), || world.command())
                    .await;
                let before = program.worked();
                let measured = load.run(effort.span, || world.command()).await;
                into.push(measured.with_work(program.worked().saturating_sub(before)));
            }
        }
        rounds.push(both);
    }
    head("commands");
    let [bare, ours] = [0, 1].map(|which| medians(rounds.iter().map(|both| &both[which])));
    line("bare axum + HMAC, fixed answer", &bare);
    line("relatch serve, card on disk", &ours);
    let shares: Vec<String> = ours
        .iter()
        .zip(&bare)
        .map(|(ours, bare)| {
            format!(
                "{:>29}",
                format!("{:.1} %", 100.0 * ours.per_second / bare.per_second)
            )
        })
        .collect();
    println!("{:<34}{}", "of the bare handler", shares.join("   "));
    println!(
        "memory, after this load            {:.1} MB",
        mega(server.resident_kib())
    );
}

/// The middle of the rounds, by requests per second.
fn medians<'a>(rounds: impl Iterator<Item = &'a Vec<Measured>>) -> Vec<Measured> {
    let rounds: Vec<&Vec<Measured>> = rounds.collect();
    (0..CONNECTIONS.len())
        .map(|column| {
            let mut ones: Vec<&Measured> = rounds.iter().map(|round| &round[column]).collect();
            ones.sort_by(|one, other| one.per_second.total_cmp(&other.per_second));
            ones[ones.len() / 2].clone()
        })
        .collect()
}

/// Confirming clicks with a hash that costs nothing: until the acknowledgement (slot and intent on disk), and until the
/// last result was told, with everything between on disk and every `users.info` asked anew.
async fn clicks(world: &World, effort: Effort) {
    let server = Peer::start("cheap", Some(world.cheap_settings()));
    let mut rounds: [Vec<Vec<Measured>>; 2] = [Vec::new(), Vec::new()];
    for _ in 0..effort.rounds {
        let (mut taken, mut finished) = (Vec::new(), Vec::new());
        for conns in CONNECTIONS {
            let count = if conns == 1 {
                effort.clicks / 6
            } else {
                effort.clicks
            };
            let mut ready = world.ready_cards(server.addr, "cheap", count).await;
            let told_before = world.told().await;
            let begun = std::time::Instant::now();
            let acknowledged = Load::new(server.addr, conns).run_all(&mut ready).await;
            world.wait_until_told(told_before + count).await;
            finished.push(Measured::of(count, begun.elapsed(), Vec::new()));
            taken.push(acknowledged);
        }
        rounds[0].push(taken);
        rounds[1].push(finished);
    }
    head("confirmed clicks, Argon2id set aside");
    line("acknowledged", &medians(rounds[0].iter()));
    line("reset, delivered and told", &medians(rounds[1].iter()));
    println!(
        "memory, after this load            {:.1} MB",
        mega(server.resident_kib())
    );
}

/// 200 look-ups a second at a steady pace, alone and while clicks keep Argon2id busy.
async fn isolation(world: &World, effort: Effort) {
    let (server, _) = Peer::serve_timed(world).await;
    let pace = Duration::from_millis(5);
    let alone = Load::new(server.addr, 8)
        .run_paced(effort.span, pace, || world.why())
        .await;
    let count = if effort.rounds == 1 { 8 } else { 240 };
    let mut ready = world.ready_cards(server.addr, "real", count).await;
    let told_before = world.told().await;
    let begun = std::time::Instant::now();
    // Beyond 64 that wait, a reset is refused; half of that keeps the threads busy.
    let hashing = async {
        while !ready.is_empty() {
            let mut some = ready.split_off(ready.len().saturating_sub(32));
            Load::new(server.addr, 4).run_all(&mut some).await;
            world
                .wait_until_told(told_before + count - ready.len())
                .await;
        }
        begun.elapsed()
    };
    let looking = Load::new(server.addr, 8);
    let (took, meanwhile) = tokio::join!(
        hashing,
        looking.run_paced(effort.span, pace, || world.why())
    );
    println!("\n200 look-ups a second              p50, p99, most in ms");
    for (name, measured) in [("alone", alone), ("while Argon2id is saturated", meanwhile)] {
        println!(
            "{name:<34} {:.2}, {:.2}, {:.2}",
            measured.millis(0.5),
            measured.millis(0.99),
            measured.millis(1.0)
        );
    }
    let resets = Measured::of(count, took, Vec::new()).per_second;
    println!("resets with Argon2id meanwhile     {resets:.0}/s");
    println!(
        "memory, after this load            {:.1} MB",
        mega(server.resident_kib())
    );
}
