"""Everything that the integration tests saw relatch send, against the validators that the platforms publish: the types of
@slack/types, discord-api-types and @mattermost/types through tsc, and the Block Kit models of slack_sdk."""

import json
import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

HERE = Path(__file__).parent
MANIFESTS = HERE.parent.parent / "manifests"

# The type of each kind, and the part of the body that it is of. Mattermost publishes the types of its web app, which
# receives messages in full; what a sender may leave out, and where a click is sent, its server's own pages say
# ("Custom slash commands", "Interactive messages", "Interactive dialogs"), so those are made up for in PRELUDE. An answer
# without a text is no post (`CreateCommandPost` in the server's `app/command.go`).
TYPES = {
    "slack-answer": ("KnownBlock[]", lambda body: body["blocks"]),
    "slack-follow_up": ("KnownBlock[]", lambda body: body["blocks"]),
    "slack-view": ("ModalView", lambda body: body["view"]),
    "discord-answer": ("APIInteractionResponse", lambda body: body),
    "discord-edit": ("RESTPatchAPIInteractionOriginalResponseJSONBody", lambda body: body),
    "discord-follow_up": ("RESTPostAPIInteractionFollowupJSONBody", lambda body: body),
    "discord-commands": ("RESTPutAPIApplicationGuildCommandsJSONBody", lambda body: body),
    "mattermost-answer": ("Said | Nothing", lambda body: body),
    "mattermost-follow_up": ("Said", lambda body: body),
    "mattermost-ephemeral": ("Posted", lambda body: body),
    "mattermost-click": ("Clicked", lambda body: body),
    "mattermost-dialog_answer": ("Submitted", lambda body: body),
    "mattermost-dialog": ("Opened", lambda body: body),
    "mattermost-command": ("Partial<Command>", lambda body: body),
}

PRELUDE = """
import type { KnownBlock, ModalView } from "@slack/types";
import type {
  APIInteractionResponse, RESTPatchAPIInteractionOriginalResponseJSONBody, RESTPostAPIInteractionFollowupJSONBody,
  RESTPutAPIApplicationGuildCommandsJSONBody,
} from "discord-api-types/v10";
import type {
  Command, CommandResponse, Dialog, DialogElement, OpenDialogRequest, SubmitDialogResponse,
} from "@mattermost/types/integrations";
import type { MessageAttachment } from "@mattermost/types/message_attachments";
import type { Post } from "@mattermost/types/posts";
import type { PostAction } from "@mattermost/types/integration_actions";

type Pressable = PostAction & { integration: { url: string; context: Record<string, string> } };
type Attached = Omit<MessageAttachment, "actions"> & { actions?: Pressable[] };
type Said = Pick<CommandResponse, "response_type" | "text" | "skip_slack_parsing"> & { attachments?: Attached[] };
type Nothing = Record<string, never>;
type Posted = { user_id: string; post: Pick<Post, "channel_id" | "message"> & { props: { attachments?: Attached[] } } };
type Clicked = { ephemeral_text?: string; skip_slack_parsing?: boolean };
type Submitted = Pick<SubmitDialogResponse, "error" | "errors">;
type Asked = Pick<DialogElement, "display_name" | "name" | "type"> & Partial<DialogElement>;
type Opened = Omit<OpenDialogRequest, "dialog"> & { dialog: Omit<Dialog, "elements"> & { elements: Asked[] } };
"""

OPTIONS = {
    "noEmit": True, "strict": True, "skipLibCheck": True, "target": "es2022", "module": "esnext",
    "moduleResolution": "node10", "types": [],
}


def tsc(bodies):
    """What the compiler says of (kind, body) pairs: nothing, or its errors."""
    lines = [PRELUDE]
    for number, (kind, body) in enumerate(bodies):
        name, part = TYPES[kind]
        # Flags are added together, and TypeScript takes no literal for an enumeration that is not one of its values.
        literal = re.sub(r'"flags": (\d+)', r'"flags": \1 as number', json.dumps(part(body)))
        lines.append(f"export const m{number}: {name} = {literal};")
    # Beside node_modules, so that the packages are found.
    with tempfile.TemporaryDirectory(dir=HERE / "node_modules") as folder:
        (Path(folder) / "sent.ts").write_text("\n".join(lines))
        (Path(folder) / "tsconfig.json").write_text(json.dumps({"compilerOptions": OPTIONS, "files": ["sent.ts"]}))
        command = ["node", HERE / "node_modules/typescript/bin/tsc", "--project", folder]
        ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 0 or "error TS" in ran.stdout, ran.stdout + ran.stderr
    return [line for line in ran.stdout.splitlines() if "error TS" in line]


def slack_models(kind, body):
    """What slack_sdk's models say: nothing, or why they refuse it or what they lose."""
    try:
        if kind == "slack-view":
            read = View(**body["view"])
            read.validate_json()
            return None if read.to_dict() == body["view"] else f"read back as {read.to_dict()}"
        # The models do not know `expand` of a section yet (Slack, "Section block").
        sent = [{key: value for key, value in block.items() if key != "expand"} for block in body["blocks"]]
        blocks = Block.parse_all(sent)
        for block in blocks:
            block.validate_json()
        again = [block.to_dict() for block in blocks]
        return None if again == sent else f"read back as {again}"
    except Exception as refused:  # The models raise whatever they like.
        return repr(refused)


class Validators(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = os.environ.get("SENT_BY_RELATCH_DIR")
        assert folder, "run tests/run.sh, or set SENT_BY_RELATCH_DIR for cargo test --test it and for this"
        cls.sent = {kind: {} for kind in TYPES}
        for path in sorted(Path(folder).iterdir()):
            kind = path.name.rsplit("-", 1)[0]
            text = path.read_text()
            # What differs only in opaque values and times is the same message.
            alike = re.sub(r"[A-Za-z0-9_-]{43,46}|ref [0-9A-F]{4}|\d\d:\d\d", "x", text)
            if kind in cls.sent:
                cls.sent[kind].setdefault(alike, json.loads(text))
        cls.sent["discord-commands"]["manifest"] = json.loads((MANIFESTS / "discord.json").read_text())["commands"]
        cls.sent["mattermost-command"]["manifest"] = json.loads((MANIFESTS / "mattermost.json").read_text())
        cls.all = [(kind, body) for kind, bodies in cls.sent.items() for body in bodies.values()]

    def test_every_kind_was_sent(self):
        for kind, bodies in self.sent.items():
            self.assertTrue(bodies, f"nothing of {kind} was kept")

    def test_hostile_and_the_longest_names_were_sent(self):
        for kind in ("slack-answer", "slack-view", "discord-answer", "discord-edit", "discord-follow_up", "mattermost-dialog"):
            sent = [json.dumps(body, ensure_ascii=False) for body in self.sent[kind].values()]
            names = ["W" * 20] if kind.endswith(("view", "dialog")) else ["W" * 64, "한" * 64]
            for name in names + (["!channel"] if kind == "slack-answer" else []):
                self.assertTrue(any(name in body for body in sent), f"no {kind} has {name}")

    def test_the_published_types_take_everything(self):
        self.assertEqual(tsc(self.all), [])

    def test_slack_s_models_take_everything_and_lose_nothing(self):
        for kind in ("slack-answer", "slack-follow_up", "slack-view"):
            for body in self.sent[kind].values():
                self.assertIsNone(slack_models(kind, body), body)

    def test_the_validators_have_teeth(self):
        """A message of each platform, spoilt, is refused."""
        first = lambda kind: json.loads(json.dumps(next(iter(self.sent[kind].values()))))
        spoilt = []

        def spoil(kind, change):
            body = first(kind)
            change(body)
            spoilt.append((kind, body))

        spoil("slack-follow_up", lambda body: body["blocks"][0].update(type="sectoin"))
        spoil("slack-view", lambda body: body["view"].update(title="no object"))
        spoil("discord-edit", lambda body: body.update(components=[{"type": 1, "components": [{"type": 2, "style": 99}]}]))
        spoil("discord-commands", lambda body: body[0].pop("name"))
        spoil("mattermost-dialog", lambda body: body["dialog"]["elements"][0].pop("name"))
        spoil("mattermost-follow_up", lambda body: body.update(text=5))
        spoil("mattermost-ephemeral", lambda body: body["post"].pop("message"))
        self.assertGreaterEqual(len({error.split("(")[1].split(",")[0] for error in tsc(spoilt)}), len(spoilt))
        for kind, body in spoilt[:2]:
            self.assertIsNotNone(slack_models(kind, body))


if __name__ == "__main__":
    unittest.main()
