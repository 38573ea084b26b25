#!/usr/bin/env bash
# OpenLDAP with a password policy and the least rights that relatch needs, in the foreground.
# usage: slapd.sh FOLDER PORT [unhashed|module|plain] (with ours.pem in FOLDER; plain and StartTLS at PORT, TLS at PORT+1,
# log in FOLDER/log). "unhashed" is without ppolicy_hash_cleartext, so that a Modify would store the password as it is;
# "module" loads the policy's module and has no overlay on the members' database; "plain" does not load it.
set -euo pipefail
folder=$1 port=$2 kind=${3-policy}
# What goes into some kinds only.
if_kind() { if [[ " $* " == *" $kind "* ]]; then cat; else cat >/dev/null; fi; }
if_policy() { if_kind policy unhashed; }
modules=$(dirname "$(find /usr/lib -name 'back_mdb.so' -path '*ldap*' | head -1)")
mkdir -p "$folder/db"
cat >"$folder/slapd.conf" <<CONF
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath $modules
moduleload back_mdb
moduleload argon2
$(if_kind policy unhashed module <<<"moduleload ppolicy")
password-hash {ARGON2}
TLSCACertificateFile $folder/ours-ca.pem
TLSCertificateFile $folder/ours.pem
TLSCertificateKeyFile $folder/ours.key
$(if_kind plain <<'PLAIN'
# One account does not see by which operations a password can be set, another one does not see which server it is either.
access to dn.base="" attrs=supportedExtension
    by dn.exact="cn=mute,dc=corp,dc=example" none
    by * break
access to dn.base="" attrs=objectClass,supportedExtension
    by dn.exact="cn=blind,dc=corp,dc=example" search
    by * break
access to *
    by * read
PLAIN
)
database mdb
suffix dc=corp,dc=example
directory $folder/db
rootdn cn=root,dc=corp,dc=example
rootpw root-of-the-test
$(if_policy <<'POLICY'
overlay ppolicy
ppolicy_default cn=policy,dc=corp,dc=example
ppolicy_use_lockout
POLICY
)
$(if_kind policy <<<"ppolicy_hash_cleartext")
# A group whose members relatch may not read.
access to dn.base="cn=hidden,dc=corp,dc=example" attrs=member
    by * none
# The usual rule by which members change their own e-mails and user names: what relatch must not trust. With the right to
# write the entry as well they still cannot rename it, which needs the same on "children" of the entry above.
access to attrs=entry,mail,uid
    by self write
    by * break
# The least that relatch needs: it may set passwords and ask for a change, and cannot read a hash.
access to attrs=userPassword
    by dn.exact="cn=relatch,dc=corp,dc=example" =w
    by dn.exact="cn=half,dc=corp,dc=example" =w
    by dn.exact="cn=mute,dc=corp,dc=example" =w
    by dn.exact="cn=blind,dc=corp,dc=example" =w
    by * break
$(if_kind policy unhashed module <<'POLICY'
access to attrs=pwdReset
    by dn.exact="cn=relatch,dc=corp,dc=example" write
    by * break
POLICY
)
access to dn.subtree="dc=corp,dc=example"
    by dn.exact="cn=relatch,dc=corp,dc=example" read
    by * break
# The rules that were there before, for everybody else.
access to attrs=userPassword
    by self =w
    by anonymous auth
    by * none
access to dn.subtree="dc=corp,dc=example"
    by dn.exact="cn=weak,dc=corp,dc=example" read
    by dn.exact="cn=half,dc=corp,dc=example" read
    by dn.exact="cn=mute,dc=corp,dc=example" read
    by dn.exact="cn=blind,dc=corp,dc=example" read
    by self read
    by * none
CONF
cat >"$folder/seed.ldif" <<LDIF
dn: dc=corp,dc=example
objectClass: domain
dc: corp

dn: ou=people,dc=corp,dc=example
objectClass: organizationalUnit
ou: people

LDIF
if_policy >>"$folder/seed.ldif" <<'LDIF'
dn: cn=policy,dc=corp,dc=example
objectClass: device
objectClass: pwdPolicy
cn: policy
pwdAttribute: userPassword
pwdMustChange: TRUE
pwdMinLength: 8
pwdCheckQuality: 2
pwdMaxFailure: 3
pwdLockout: TRUE

LDIF
account() {
    printf 'dn: cn=%s,dc=corp,dc=example\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: %s\n' "$1" "$1"
    printf 'userPassword: %s\n\n' "$(slappasswd -h '{SSHA}' -s "Service-account-1")"
}
person() {
    printf 'dn: uid=%s,ou=people,dc=corp,dc=example\nobjectClass: inetOrgPerson\nuid: %s\ncn: %s Corp\nsn: Corp\n' "$1" "$1" "$1"
    printf 'mail: %s@corp.example\nmobile: +821012345699\nuserPassword: %s\n' "$2" "$(slappasswd -h '{SSHA}' -s "Old-pass-1234")"
    printf '%s\n\n' "${3-departmentNumber: Sales}"
}
{
    account relatch
    account weak
    # May set passwords, and not pwdReset.
    account half
    account mute
    account blind
    for name in eli pol hung died lost cert auth loc inj; do person $name $name; done
    person adm adm "pwdAccountLockedTime: 000001010000Z" | if_policy
    {
        person end end "pwdEndTime: 20260301090000Z"
        person not not "pwdStartTime: 20991231230000Z"
        person yet yet "$(printf 'pwdStartTime: 20200101000000Z\npwdEndTime: 20991231230000Z')"
    } | if_policy
    person pri pri
    # Phones without a country code: with the entry's own country, and beside a phone that has one.
    phones() { sed "s/^mobile: .*/$1/"; }
    person ger ger "$(printf 'objectClass: extensibleObject\nc: DE')" | phones "mobile: 0151 23456789"
    person tel tel | phones 'mobile: 0151 23456789\nmobile: +821012345688'
    # A name that would be a filter and a DN of its own, were it not escaped.
    printf 'dn: uid=par(en)*s\\, co,ou=people,dc=corp,dc=example\nobjectClass: inetOrgPerson\nuid: par(en)*s, co\ncn: Par <!channel> *bold*\n'
    printf 'sn: Corp\nmail: par@corp.example\nmobile: +821012345699\n\n'
    person ali ali "mail: ali.as@corp.example"
    # An administrator of the list, and a member who would like to be one.
    for name in ann mal hlp lat; do person $name $name; done
    # Entries that are named otherwise than by one user name that nobody else has.
    named() { person "$2" "$3" | sed "s/^dn: uid=$2,/dn: $1,/"; }
    named "uid=mul+cn=mul Corp" mul mul
    named "userid=CAS" cas cas
    named "cn=cee Corp" cee cee
    for ou in one two; do
        printf 'dn: ou=%s,ou=people,dc=corp,dc=example\nobjectClass: organizationalUnit\nou: %s\n\n' $ou $ou
        named "uid=dup,ou=$ou" dup "dup.$ou"
    done
    person two1 two
    person two2 two
    printf 'dn: cn=guarded,dc=corp,dc=example\nobjectClass: groupOfNames\ncn: guarded\nmember: uid=pri,ou=people,dc=corp,dc=example\n\n'
    printf 'dn: cn=hidden,dc=corp,dc=example\nobjectClass: groupOfNames\ncn: hidden\nmember: uid=pri,ou=people,dc=corp,dc=example\n\n'
    printf 'dn: cn=unix,dc=corp,dc=example\nobjectClass: posixGroup\ncn: unix\ngidNumber: 500\nmemberUid: auth\nmemberUid: par(en)*s, co\n\n'
    printf 'dn: cn=helpdesk,dc=corp,dc=example\nobjectClass: posixGroup\ncn: helpdesk\ngidNumber: 501\n'
    # One of them left.
    printf 'memberUid: %s\n' hlp gone mul cas cee dup end
} >>"$folder/seed.ldif"
slapadd -f "$folder/slapd.conf" -l "$folder/seed.ldif"
exec slapd -d 256 -f "$folder/slapd.conf" -h "ldap://127.0.0.1:$port ldaps://127.0.0.1:$((port + 1))" >"$folder/log" 2>&1
