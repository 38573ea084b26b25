#!/usr/bin/env bash
# Postfix on 127.0.0.1:2530 with STARTTLS, which puts what goes to Eli at mail.example and to Pat at bücher.example
# into FOLDER/mail/NAME, and relays nothing.
# usage: postfix.sh FOLDER (with ours.pem in FOLDER); stop with: postfix -c FOLDER/etc stop
set -euo pipefail
folder=$1
chmod 755 "$folder"
mkdir -p "$folder/etc" "$folder/queue" "$folder/data" "$folder/mail"
chown postfix "$folder/data" "$folder/mail"
uid=$(id -u postfix) gid=$(id -g postfix)
cat >"$folder/etc/main.cf" <<CONF
compatibility_level = 3.6
queue_directory = $folder/queue
data_directory = $folder/data
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.example
mydestination =
virtual_mailbox_domains = mail.example xn--bcher-kva.example
virtual_mailbox_base = $folder/mail
virtual_mailbox_maps = inline:{ { eli@mail.example = eli }, { pat@xn--bcher-kva.example = pat } }
virtual_uid_maps = static:$uid
virtual_gid_maps = static:$gid
virtual_minimum_uid = 1
default_transport = discard
smtpd_tls_security_level = encrypt
smtpd_tls_chain_files = $folder/ours.key, $folder/ours.pem
smtpd_relay_restrictions = reject_unauth_destination
maillog_file = $folder/mail.log
maillog_file_prefixes = $folder
alias_maps =
CONF
sed -e 's/^\([^# ]\+ \+[a-z]\+ \+[-yn]\+ \+[-yn]\+ \+\)[-y]\( .*\)$/\1n\2/' -e 's/^smtp \+inet/127.0.0.1:2530 inet/' /usr/share/postfix/master.cf.dist >"$folder/etc/master.cf"
grep -q '^postlog' "$folder/etc/master.cf" || echo 'postlog unix-dgram n - n - 1 postlogd' >>"$folder/etc/master.cf"
postfix -c "$folder/etc" start >"$folder/start.log" 2>&1
