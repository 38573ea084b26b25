#!/usr/bin/env bash
# Kannel with its pretend SMS centre, in the foreground: `sendsms` at 127.0.0.1:13013, what leaves is in FOLDER/sms.log.
# usage: kannel.sh FOLDER
set -euo pipefail
folder=$1
cat >"$folder/kannel.conf" <<CONF
group = core
admin-port = 13000
admin-password = admin-of-the-test
admin-interface = 127.0.0.1
smsbox-port = 13001
smsbox-interface = 127.0.0.1
box-allow-ip = 127.0.0.1
box-deny-ip = *.*.*.*
log-file = $folder/bearerbox.log
log-level = 2

group = smsc
smsc = fake
smsc-id = fake
port = 10000
connect-allow-ip = 127.0.0.1

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = 13013
sendsms-interface = 127.0.0.1
global-sender = 12345
log-file = $folder/smsbox.log
log-level = 2

group = sendsms-user
username = relatch
password = Kannel-of-the-test-1
CONF
cd "$folder"
bearerbox kannel.conf >bearerbox.out 2>&1 &
boxes=$!
sleep 1
smsbox kannel.conf >smsbox.out 2>&1 &
boxes="$boxes $!"
# It ends when its input does, so it is given one that lasts.
sleep 600 | "$(find /usr/lib/kannel /usr/share/doc/kannel* -name fakesmsc -type f 2>/dev/null | head -1)" -H 127.0.0.1 -r 10000 -m 0 >sms.log 2>&1 &
boxes="$boxes $!"
trap 'kill -KILL $boxes 2>/dev/null; pkill -P $$ 2>/dev/null' EXIT
trap 'exit 0' TERM INT
for _ in $(seq 50); do (: <>/dev/tcp/127.0.0.1/13013) 2>/dev/null && break; sleep 0.2; done
touch ready
wait
