#!/usr/bin/env bash
# 389 Directory Server with passwordMustChange and the least rights that relatch needs, in the foreground.
# usage: ds389.sh FOLDER PORT (with ours.pem in FOLDER; plain and StartTLS at PORT, TLS at PORT+1)
set -euo pipefail
folder=$1 port=$2 name="relatch$2"
remove() { dsctl "$name" remove --do-it >/dev/null 2>&1 || true; }
# Without a service manager the package's own tools must not look for one. Their defaults are put back at the end; a copy
# that is there already was left by a run that was killed.
defaults=/usr/share/dirsrv/inf/defaults.inf server=
[ -e "$defaults.before" ] || cp -p "$defaults" "$defaults.before"
clean_up() {
    [ -z "$server" ] || { kill "$server" && wait "$server"; } 2>/dev/null || true
    remove
    mv -f "$defaults.before" "$defaults"
}
trap clean_up EXIT
trap 'exit 0' TERM INT
sed -i 's/^with_systemd *=.*/with_systemd = 0/' "$defaults"
remove
cat >"$folder/create.inf" <<INF
[general]
config_version = 2
strict_host_checking = False
systemd = False
start = False
full_machine_name = localhost
[slapd]
instance_name = $name
port = $port
secure_port = $((port + 1))
root_password = root-of-the-test
self_sign_cert = True
user = root
group = root
[backend-userroot]
suffix = dc=corp,dc=example
create_suffix_entry = True
INF
dscreate from-file "$folder/create.inf" >"$folder/create.log" 2>&1
instance=/etc/dirsrv/slapd-$name
# Our own certificate in place of the one it made for itself.
openssl pkcs12 -export -in "$folder/ours.pem" -inkey "$folder/ours.key" -certfile "$folder/ours-ca.pem" \
    -name Server-Cert -passout pass:pkcs -out "$folder/ours.p12"
certutil -D -d "$instance" -n Server-Cert -f "$instance/pwdfile.txt" >/dev/null 2>&1 || true
pk12util -i "$folder/ours.p12" -d "$instance" -k "$instance/pwdfile.txt" -W pkcs >/dev/null
certutil -A -d "$instance" -n ours-ca -t CT,, -a -i "$folder/ours-ca.pem" -f "$instance/pwdfile.txt"
python3 - "$instance/dse.ldif" <<'PY'
import re, sys
text = open(sys.argv[1]).read()
extra = ("nsslapd-listenhost: 127.0.0.1\nnsslapd-securelistenhost: 127.0.0.1\n"
         "passwordLockout: on\npasswordMaxFailure: 3\nnsslapd-accesslog-logbuffering: off\n")
text = re.sub(r"(?m)^passwordLockout:.*\n|^passwordMaxFailure:.*\n|^nsslapd-accesslog-logbuffering:.*\n", "", text)
text = re.sub(r"(?m)^dn: cn=config\n", "dn: cn=config\n" + extra, text, count=1)
open(sys.argv[1], "w").write(text)
PY
ns-slapd -D "$instance" -i "$folder/pid" -d 0 >"$folder/server.log" 2>&1 &
server=$!
for _ in $(seq 100); do ldapsearch -x -H "ldap://127.0.0.1:$port" -b "" -s base >/dev/null 2>&1 && break; sleep 0.2; done
root=(-x -H "ldap://127.0.0.1:$port" -D "cn=Directory Manager" -w root-of-the-test)
person() {
    printf 'dn: uid=%s,ou=people,dc=corp,dc=example\nobjectClass: inetOrgPerson\nuid: %s\ncn: %s Corp\nsn: Corp\n' "$1" "$1" "$1"
    printf 'mail: %s@corp.example\nmobile: +821012345699\nuserPassword: Old-pass-1234\n' "$2"
    printf '%s\n\n' "${3-departmentNumber: Sales}"
}
{
    for account in relatch plain weak; do
        printf 'dn: cn=%s,dc=corp,dc=example\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\n' $account
        printf 'cn: %s\nuserPassword: Service-account-1\n\n' $account
    done
    printf 'dn: ou=people,dc=corp,dc=example\nobjectClass: organizationalUnit\nou: people\n\n'
    for who in eli pol hung died lost cert auth loc inj; do person $who $who; done
    person adm adm "nsAccountLock: true"
    person pri pri
    # Phones without a country code: with the entry's own country, and beside a phone that has one.
    phones() { sed "s/^mobile: .*/$1/"; }
    person ger ger "$(printf 'objectClass: extensibleObject\nc: DE')" | phones "mobile: 0151 23456789"
    person tel tel | phones 'mobile: 0151 23456789\nmobile: +821012345688'
    person two1 two
    person two2 two
    printf 'dn: cn=guarded,dc=corp,dc=example\nobjectClass: groupOfNames\ncn: guarded\nmember: uid=pri,ou=people,dc=corp,dc=example\n'
} >"$folder/seed.ldif"
ldapadd "${root[@]}" -f "$folder/seed.ldif" >/dev/null
# A member and a group as the server's own tool makes them.
printf 'dn: ou=groups,dc=corp,dc=example\nobjectClass: organizationalUnit\nou: groups\n' | ldapadd "${root[@]}" >/dev/null
own_tool() { dsidm "$name" -b dc=corp,dc=example "$@" >>"$folder/create.log" 2>&1; }
for who in nsp nsg; do
    own_tool user create --uid $who --cn "$who Corp" --displayName "$who Corp" --uidNumber 5001 --gidNumber 5001 \
        --homeDirectory /home/$who
    printf 'dn: uid=%s,ou=people,dc=corp,dc=example\nchangetype: modify\nadd: mail\nmail: %s@corp.example\n-\nadd: mobile\n' $who $who
    printf 'mobile: +821012345699\n-\nreplace: userPassword\nuserPassword: Old-pass-1234\n\n'
done | ldapmodify "${root[@]}" >/dev/null
own_tool group create --cn keys
own_tool group add_member keys uid=nsg,ou=people,dc=corp,dc=example
# What FreeIPA's schema (install/share/60kerberos.ldif) adds to members, as far as a reset reads it.
ldapmodify "${root[@]}" >/dev/null <<'LDIF'
dn: cn=schema
changetype: modify
add: attributeTypes
attributeTypes: ( 2.16.840.1.113719.1.301.4.6.1 NAME 'krbPrincipalExpiration' EQUALITY generalizedTimeMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.24 SINGLE-VALUE )
attributeTypes: ( 2.16.840.1.113719.1.301.4.37.1 NAME 'krbPasswordExpiration' EQUALITY generalizedTimeMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.24 SINGLE-VALUE )
attributeTypes: ( 2.16.840.1.113719.1.301.4.45.1 NAME 'krbLastPwdChange' EQUALITY generalizedTimeMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.24 SINGLE-VALUE )
-
add: objectClasses
objectClasses: ( 2.16.840.1.113719.1.301.6.8.1 NAME 'krbPrincipalAux' SUP top AUXILIARY MAY ( krbPrincipalExpiration $ krbPasswordExpiration $ krbLastPwdChange ) )
LDIF
{
    person ipa ipa "$(printf 'objectClass: krbPrincipalAux\nkrbPrincipalExpiration: 20260301090000Z')"
    person ipb ipb "$(printf 'objectClass: krbPrincipalAux\nkrbPrincipalExpiration: 20991231230000Z')"
    # When their passwords expire and were set: long ago, at the same moment in another time zone, and later than it was set.
    kerberos() { person $1 $1 "$(printf 'objectClass: krbPrincipalAux\nkrbPasswordExpiration: %s' "$2")"; }
    kerberos ipc "20260301090000Z"
    kerberos ipd "$(printf '20991231100000+0900\nkrbLastPwdChange: 20991231010000Z')"
    kerberos ipe "$(printf '20991231100000Z\nkrbLastPwdChange: 20260301090000Z')"
} | ldapadd "${root[@]}" >/dev/null
# The least that relatch needs: it reads people and groups, may write, never read, the password, and is the password
# administrator, because only of such a one is a change forced. "plain" is not.
ldapmodify "${root[@]}" >/dev/null <<'LDIF'
dn: dc=corp,dc=example
changetype: modify
add: aci
aci: (targetattr = "*")(version 3.0; acl "relatch reads"; allow (read, search, compare) userdn = "ldap:///cn=relatch,dc=corp,dc=example";)
aci: (targetattr = "userPassword")(version 3.0; acl "hashes stay unread"; deny (read, search, compare) userdn = "ldap:///cn=relatch,dc=corp,dc=example";)
aci: (target = "ldap:///ou=people,dc=corp,dc=example")(targetattr = "userPassword")(version 3.0; acl "relatch resets"; allow (write) userdn = "ldap:///cn=relatch,dc=corp,dc=example";)
aci: (targetattr != "userPassword")(version 3.0; acl "the others read"; allow (read, search, compare) userdn = "ldap:///cn=plain,dc=corp,dc=example || ldap:///cn=weak,dc=corp,dc=example";)
aci: (target = "ldap:///ou=people,dc=corp,dc=example")(targetattr = "userPassword")(version 3.0; acl "plain resets"; allow (write) userdn = "ldap:///cn=plain,dc=corp,dc=example";)
aci: (targetattr = "userPassword")(version 3.0; acl "own password"; allow (write) userdn = "ldap:///self";)

dn: cn=config
changetype: modify
replace: passwordMustChange
passwordMustChange: on
-
replace: passwordAdminDN
passwordAdminDN: cn=relatch,dc=corp,dc=example
LDIF
ln -sf "/var/log/dirsrv/slapd-$name/access" "$folder/log"
touch "$folder/ready"
wait $server
