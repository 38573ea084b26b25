//! Webhooks: reads, verifies and decides a request, and answers in time; longer work goes on in the background.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::Instrument;

use super::body::read_body;
use super::connection::IsVerified;
use super::lost::LostRequests;
use super::pool::RequestPool;
use crate::app::App;
use crate::chat::{
    Adapter, Asking, Chat, Immediate, Interaction, InteractionKind, Message, NotVerified,
    Placement, ReplyAddress, Verified,
};
use crate::domain::{ChatUser, Moment, Platform};
use crate::flow::{self, Next, Reaction, messages};
use crate::store::ResetRow;

/// The largest body, in bytes; the platforms send far smaller ones.
const BODY_LIMIT: usize = 64 * 1024;

/// The platforms wait 3 s for an answer; half a second is left for the network.
const ANSWER_DEADLINE: Duration = Duration::from_millis(2500);

/// How long news waits, so that the platform shows the answer first.
const NEWS_PAUSE: Duration = Duration::from_millis(300);

/// How long of that a request may wait for its permit.
const PERMIT_DEADLINE: Duration = Duration::from_secs(2);

/// The routes of the platforms that have settings.
pub(crate) fn webhook_routes(app: &Arc<App>) -> Router {
    let pool = RequestPool::of_webhooks();
    let lost = Arc::new(LostRequests::default());
    let mut router = Router::new();
    for chat in &app.chats {
        let platform = chat.platform();
        router = lost.with_other_paths(router, app, chat);
        for route in chat.routes() {
            let (handed, pool) = (Arc::clone(app), Arc::clone(&pool));
            let handler = move |request: Request| {
                let (app, pool) = (Arc::clone(&handed), Arc::clone(&pool));
                handle(app, pool, platform, route, request)
            };
            let posts = lost.with_other_methods(post(handler), app, chat, route);
            router = router.route(route, posts);
        }
    }
    router
}

#[tracing::instrument(name = "webhook", level = "debug", skip_all)]
async fn handle(
    app: Arc<App>,
    pool: Arc<RequestPool>,
    platform: Platform,
    route: &'static str,
    request: Request,
) -> Response {
    let app = app.present();
    let Some(chat) = app.chat(platform) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let (parts, body) = request.into_parts();
    let body = match read_body(&parts, body, BODY_LIMIT).await {
        Ok(body) => body,
        Err(status) => return status.into_response(),
    };
    let received = Instant::now();
    let permit = pool
        .acquire(&parts.extensions, received + PERMIT_DEADLINE)
        .await;
    let now = app.clock.now();
    let until = received + ANSWER_DEADLINE;
    let asking = if permit.is_some() {
        Asking::Allowed
    } else {
        Asking::No
    };
    let read = chat.receive(route, &parts.headers, &body, (now, asking));
    let Ok(read) = tokio::time::timeout_at(until, read).await else {
        // Verifying took too long: some platforms are asked something for it. The permit is not held any longer.
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    match read {
        // Nothing was recorded, so the platform or the person can send it again.
        Ok(interaction) if permit.is_none() => busy(chat, InteractionKind::of(interaction.inner())),
        Ok(interaction) => answer(Arc::clone(&app), platform, interaction, until).await,
        Err(refused) => refuse(&app, platform, refused, now).into_response(),
    }
}

/// The routes of everything that is served, with a log line for a platform's request that none of them takes.
pub(crate) fn with_strays(app: &Arc<App>, routes: Router) -> Router {
    Arc::new(LostRequests::default()).with_strays(routes, app)
}

/// Counts a request that was not verified. The log may name its reason.
fn refuse(app: &App, platform: Platform, refused: NotVerified, now: Moment) -> StatusCode {
    let (status, reason) = match refused {
        NotVerified::ContentType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "content type"),
        NotVerified::Unsigned(reason) => (StatusCode::UNAUTHORIZED, reason),
        NotVerified::Malformed(reason) => (StatusCode::BAD_REQUEST, reason),
        NotVerified::Misplaced { reason, advice } => {
            app.unsigned
                .note_misplaced(platform.as_str(), reason, advice, now);
            return StatusCode::BAD_REQUEST;
        }
        NotVerified::Stale { behind } => {
            app.unsigned.note_stale(platform.as_str(), behind, now);
            return StatusCode::UNAUTHORIZED;
        }
    };
    let advice = app
        .chat(platform)
        .and_then(|chat| chat.advice_on_refusal(reason));
    app.unsigned.note(platform.as_str(), reason, advice, now);
    status
}

/// The answer when no permit was free in time: our text, or an error status where the platform shows no text but tells the
/// person itself.
fn busy(chat: &Chat, kind: InteractionKind) -> Response {
    tracing::warn!(
        platform = chat.platform().as_str(),
        "refused a webhook: all places for webhooks are taken"
    );
    let (message, under_the_input) = (messages::busy(), messages::busy_form());
    let body = match kind {
        InteractionKind::Ping => return json(chat.immediate(kind, Immediate::Taken)),
        InteractionKind::Command | InteractionKind::Click => {
            chat.immediate(kind, Immediate::Say(&message))
        }
        InteractionKind::Form(_) => chat.immediate(kind, Immediate::FormError(&under_the_input)),
    };
    if body.is_empty() {
        StatusCode::SERVICE_UNAVAILABLE.into_response()
    } else {
        json(body)
    }
}

/// Where an interaction can still be answered after the platform's deadline.
struct LateAnswer {
    reply: Option<ReplyAddress>,
    /// The card that it was about: its administrator, and the button's value.
    card: Option<(ChatUser, String)>,
    kind: InteractionKind,
    /// The reset that a form is about, if it was to be opened and is about one.
    form_about: Option<Box<ResetRow>>,
}

impl LateAnswer {
    fn of(interaction: &Interaction) -> Self {
        let (origin, value) = match interaction {
            Interaction::Command(command) => (Some(&command.origin), None),
            Interaction::Click(click) => (Some(&click.origin), Some(&click.value)),
            Interaction::Form(form) => (Some(&form.origin), Some(&form.value)),
            Interaction::Ping | Interaction::Challenge(_) => (None, None),
        };
        let card = origin
            .zip(value)
            .map(|(origin, value)| (origin.user.clone(), value.clone()));
        Self {
            reply: origin.and_then(|origin| origin.reply.clone()),
            card,
            kind: InteractionKind::of(interaction),
            form_about: None,
        }
    }

    /// Tells the person later: in place of "Working …" after a command, beside the card after a click or a form.
    async fn tell(self, app: &Arc<App>, chat: &Chat, message: Message) {
        let placement = if self.kind == InteractionKind::Command {
            chat.late_placement()
        } else {
            Placement::Add
        };
        match (self.reply, self.card) {
            (Some(to), _) => {
                flow::carry_out(
                    app,
                    chat,
                    Next::Tell {
                        to,
                        message,
                        placement,
                    },
                )
                .await;
            }
            (None, Some((user, value))) => {
                flow::tell_beside_card(app, chat, &user, &value, &message).await;
            }
            (None, None) => flow::not_told(app, &message).await,
        }
    }
}

/// What the answer to the platform can be made of.
enum Decided {
    InTime(Box<Reaction>),
    /// The decision is told when it comes.
    TooLate,
    /// The task panicked, which is in the log.
    Never,
}

/// Waits for the decision until the deadline. After that the channel is closed: a decision is either here, or its task
/// learns that nobody took it. Without that, one that came in the same instant would be told by neither.
async fn decided_until(until: Instant, mut decision: oneshot::Receiver<Reaction>) -> Decided {
    match tokio::time::timeout_at(until, &mut decision).await {
        Ok(Ok(reaction)) => Decided::InTime(Box::new(reaction)),
        Ok(Err(_)) => Decided::Never,
        Err(_) => {
            decision.close();
            decision.try_recv().map_or(Decided::TooLate, |reaction| {
                Decided::InTime(Box::new(reaction))
            })
        }
    }
}

/// Answers within the platform's deadline: with the decision, or with "Working …" and the decision as a follow-up. The
/// decision is a task of its own, so that a platform that hangs up cannot stop it half-way.
async fn answer(
    app: Arc<App>,
    platform: Platform,
    interaction: Verified<Interaction>,
    until: Instant,
) -> Response {
    let (decided, decision) = oneshot::channel();
    let kind = InteractionKind::of(interaction.inner());
    let span = flow::request_span(&app, platform, interaction.inner());
    let deciding = decide(Arc::clone(&app), platform, interaction, decided);
    app.tasks.spawn(deciding.instrument(span));
    let Some(chat) = app.chat(platform) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let (mut response, is_new) = match decided_until(until, decision).await {
        Decided::InTime(reaction) => (
            respond(chat, kind, &reaction),
            !matches!(*reaction, Reaction::Replayed),
        ),
        // The answer claims nothing.
        Decided::Never => (StatusCode::INTERNAL_SERVER_ERROR.into_response(), true),
        Decided::TooLate => (
            json(chat.immediate(kind, Immediate::Working(&messages::working()))),
            true,
        ),
    };
    // Some platforms do not sign pings, and anybody can repeat a request that they overheard.
    response
        .extensions_mut()
        .insert(IsVerified(is_new && kind != InteractionKind::Ping));
    response
}

/// Decides, hands the decision to the answer or tells it later, and does what follows.
async fn decide(
    app: Arc<App>,
    platform: Platform,
    interaction: Verified<Interaction>,
    decided: oneshot::Sender<Reaction>,
) {
    let Some(chat) = app.chat(platform) else {
        return;
    };
    let mut late = LateAnswer::of(interaction.inner());
    let reaction = flow::react(&app, chat, interaction).await;
    let (now, mut next) = now_and_next(chat, &mut late, reaction);
    let is_beside = next.is_some() && matches!(now, Reaction::Say(_));
    // If the deadline has passed, the person sees "Working …" and gets the decision as a follow-up.
    let unheard = match decided.send(now) {
        Err(Reaction::Say(mut message)) => {
            // The late answer takes a use of the address itself, so whether one is left for the news is asked again.
            if let Some(Next::Tell { message: news, .. }) = next.take() {
                message.news = Some(Box::new(news));
            }
            Some(message)
        }
        Err(Reaction::FormError(title)) => Some(Message {
            title,
            ..Message::default()
        }),
        Err(Reaction::Open(form, _)) => {
            let about = late.form_about.as_deref();
            Some(flow::form_too_late(&app, &form, about))
        }
        Ok(())
        | Err(
            Reaction::Replayed
            | Reaction::Acknowledged
            | Reaction::Work(_)
            | Reaction::Challenge(_),
        ) => None,
    };
    if let Some(message) = unheard {
        late.tell(&app, chat, message).await;
    }
    if let Some(next) = next {
        if is_beside {
            tokio::time::sleep(NEWS_PAUSE).await;
        }
        flow::carry_out(&app, chat, next).await;
    }
}

/// What the answer to the request is made of, and what follows it.
fn now_and_next(
    chat: &Chat,
    late: &mut LateAnswer,
    reaction: Reaction,
) -> (Reaction, Option<Next>) {
    let add = |to: &ReplyAddress, message: Message| Next::Tell {
        to: to.clone(),
        message,
        placement: Placement::Add,
    };
    match (reaction, &late.reply) {
        (
            Reaction::Work(Next::Open {
                form, to, about, ..
            }),
            _,
        ) if chat.opens_forms_at_once() => {
            late.form_about = about;
            (Reaction::Open(form, to), None)
        }
        (Reaction::Say(message), Some(to)) if !chat.says_at_once() => {
            (Reaction::Acknowledged, Some(add(to, message)))
        }
        // One use of the address is kept for the result of the reset.
        (Reaction::Say(mut message), Some(to)) if chat.uses_left(to) > 1 => {
            let news = message.news.take();
            (Reaction::Say(message), news.map(|news| add(to, *news)))
        }
        (Reaction::Say(message), _) => (Reaction::Say(message.with_news_below()), None),
        (Reaction::Work(next), _) => (Reaction::Acknowledged, Some(next)),
        (
            now @ (Reaction::Replayed
            | Reaction::Acknowledged
            | Reaction::Open(..)
            | Reaction::Challenge(_)
            | Reaction::FormError(_)),
            _,
        ) => (now, None),
    }
}

fn respond(chat: &Chat, kind: InteractionKind, reaction: &Reaction) -> Response {
    json(match reaction {
        Reaction::Replayed if chat.answers_replays(kind) => chat.immediate(kind, Immediate::Taken),
        Reaction::Replayed => return StatusCode::CONFLICT.into_response(),
        Reaction::Acknowledged | Reaction::Work(_) => chat.immediate(kind, Immediate::Taken),
        Reaction::Say(message) => chat.immediate(kind, Immediate::Say(message)),
        Reaction::Open(form, to) => chat.immediate(kind, Immediate::Open(form, to.as_ref())),
        Reaction::Challenge(text) => chat.immediate(kind, Immediate::Challenge(text)),
        Reaction::FormError(text) => chat.immediate(kind, Immediate::FormError(text)),
    })
}

fn json(body: Vec<u8>) -> Response {
    if body.is_empty() {
        return StatusCode::OK.into_response();
    }
    let kind = HeaderValue::from_static("application/json; charset=utf-8");
    (
        [
            (header::CONTENT_TYPE, kind),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ],
        body,
    )
        .into_response()
}
