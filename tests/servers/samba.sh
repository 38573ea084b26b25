#!/usr/bin/env bash
# A domain controller of Active Directory (Samba) on 127.0.0.88, with the least rights that relatch needs, in the foreground.
# Its ports cannot be moved: 88, 389, 464, 636.
# usage: samba.sh FOLDER (with ours.pem in FOLDER; krb5.conf is written there, log in FOLDER/log)
set -euo pipefail
folder=$1
samba-tool domain provision --realm=CORP.EXAMPLE --domain=CORP --server-role=dc --dns-backend=NONE --host-name=dc1 \
    --host-ip=127.0.0.88 --adminpass=Root-of-the-test-1 --targetdir="$folder/dc" \
    --option="interfaces=127.0.0.88/8" --option="bind interfaces only=yes" --option="posix:eadb=$folder/eadb.tdb" \
    >"$folder/provision.log" 2>&1
conf=$folder/dc/etc/smb.conf
mkdir -p "$folder/run" "$folder/ncalrpc"
chmod 755 "$folder/ncalrpc"
chmod 600 "$folder/ours.key"
python3 - "$conf" "$folder" <<'PY'
import sys
path, folder = sys.argv[1:]
lines = open(path).read().splitlines()
text = "\n".join(line for line in lines if "server services" not in line) + "\n"
text = text.replace("[global]", f"""[global]
\tserver services = ldap, rpc, cldap, kdc
\ttls certfile = {folder}/ours.pem
\ttls keyfile = {folder}/ours.key
\ttls cafile = {folder}/ours-ca.pem
\tpid directory = {folder}/run
\tncalrpc dir = {folder}/ncalrpc
\tntp signd socket directory = {folder}/ntp
""", 1)
open(path, "w").write(text)
PY
tool() { samba-tool "$@" -s "$conf" >>"$folder/provision.log" 2>&1; }
tool ou create OU=people
tool domain passwordsettings set --account-lockout-threshold=3 --min-pwd-age=0 --min-pwd-length=8
person() { tool user create "$1" Old-pass-1234 --userou=OU=people --mail-address="$2@corp.example" --given-name="$1" --surname=Corp; }
for name in eli pol hung died lost cert auth loc inj nev adm pri; do person $name $name; done
# Whom nobody may reset: by a privileged group of the domain, by adminCount, and by a group of the settings that is their
# primary group, holds their primary group, or is a distribution list, of which tokenGroups says nothing.
for name in dad aco cnt prm nst dst dpg rol act; do person $name $name; done
# Phones without a country code: with the entry's own country by letters and by number, and with the number that means none.
for name in ger num nul; do person $name $name; done
person two1 two
person two2 two
tool user create relatch Service-account-1
tool user create weak Service-account-1
tool user create blind Service-account-1
tool user setexpiry relatch --noexpiry
tool user setexpiry nev --noexpiry
tool user disable adm
person exp exp
tool group add guarded
tool group add inner
tool group addmembers guarded inner
tool group addmembers inner pri
primary() { tool group addmembers "$2" "$1"; tool user setprimarygroup "$1" "$2"; }
tool group addmembers "Domain Admins" dad
tool group addmembers "Account Operators" aco
primary prm guarded
tool group add basis
tool group addmembers guarded basis
primary nst basis
tool group add mailing --group-type=Distribution
tool group addmembers mailing dst
tool group add crew
tool group addmembers mailing crew
primary dpg crew
tool group add hollow --group-type=Distribution
tool group add chiefs
primary rol chiefs
# In a hardened domain not everybody who signs in reads every attribute of the others. Samba's modules are the system
# Python's.
/usr/bin/python3 - "$conf" <<'PY'
import sys
import ldb
from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB
settings = LoadParm()
settings.load(sys.argv[1])
database = SamDB(session_info=system_session(), lp=settings)
def change(dn, action, name, value):
    message = ldb.Message()
    message.dn = ldb.Dn(database, dn + ",DC=corp,DC=example")
    message[name] = ldb.MessageElement(value, action, name)
    database.modify(message)
everybody = "CN=S-1-5-11,CN=ForeignSecurityPrincipals,DC=corp,DC=example"
change("CN=Pre-Windows 2000 Compatible Access,CN=Builtin", ldb.FLAG_MOD_DELETE, "member", everybody)
# 2026-03-01 09:00 UTC.
change("CN=exp Corp,OU=people", ldb.FLAG_MOD_REPLACE, "accountExpires", "134168292000000000")
change("CN=cnt Corp,OU=people", ldb.FLAG_MOD_REPLACE, "adminCount", "1")
for name, attribute, country, phone in [
    ("ger", "c", "DE", "0151 23456789"),
    ("num", "countryCode", "276", "0151 23456789"),
    ("nul", "countryCode", "0", "010 1234 5642"),
]:
    change(f"CN={name} Corp,OU=people", ldb.FLAG_MOD_REPLACE, attribute, country)
    change(f"CN={name} Corp,OU=people", ldb.FLAG_MOD_REPLACE, "mobile", phone)
PY
# The least that relatch needs on the members: reset password, write pwdLastSet, write lockoutTime.
sid_of() { samba-tool user show "$1" -s "$conf" --attributes=objectSid | sed -n 's/^objectSid: //p'; }
sid=$(sid_of relatch)
user=bf967aba-0de6-11d0-a285-00aa003049e2
for right in "CR;00299570-246d-11d0-a768-00aa006e0529" "RPWP;bf967a0a-0de6-11d0-a285-00aa003049e2" "RPWP;28630ebf-41d5-11d1-a9c1-0000f80367c1"; do
    tool dsacl set --objectdn=OU=people,DC=corp,DC=example --sddl="(OA;CIIO;$right;$user;$sid)"
done
# And to read, in a domain where not everybody reads it: tokenGroups; the restrictions, sign-ins and groups of the account;
# adminCount and whenChanged. "blind" may not read tokenGroups.
token="RP;b7c69e6d-2cc7-11d2-854e-00a0c983f608"
for account in relatch weak blind; do
    for right in "$token" \
        "RP;4c164200-20c0-11d0-a768-00aa006e0529" "RP;5f202010-79a5-11d0-9020-00c04fc2d4cf" "RP;bc0ac240-79a9-11d0-9020-00c04fc2d4cf" \
        "RP;bf967918-0de6-11d0-a285-00aa003049e2" "RP;bf967a77-0de6-11d0-a285-00aa003049e2"; do
        [ "$account $right" = "blind $token" ] ||
            tool dsacl set --objectdn=OU=people,DC=corp,DC=example --sddl="(OA;CIIO;$right;$user;$(sid_of $account))"
    done
done
# Who is in a distribution list is seen by reading the list.
for list in mailing hollow; do
    tool dsacl set --objectdn=CN=$list,CN=Users,DC=corp,DC=example --sddl="(A;;RP;;;$sid)"
done
# A group that everybody may join.
tool group add joinable
tool dsacl set --objectdn=CN=joinable,CN=Users,DC=corp,DC=example --sddl="(OA;;SW;bf9679c0-0de6-11d0-a285-00aa003049e2;;AU)"
cat >"$folder/krb5.conf" <<CONF
[libdefaults]
    default_realm = CORP.EXAMPLE
    dns_lookup_kdc = false
    dns_lookup_realm = false
    rdns = false
    udp_preference_limit = 1
[realms]
    CORP.EXAMPLE = {
        kdc = 127.0.0.88
        kpasswd_server = 127.0.0.88
    }
CONF
touch "$folder/ready"
exec samba -F --no-process-group --model=single -s "$conf" --debug-stdout --option="log level=1 dsdb_audit:5 dsdb_password_audit:5" >"$folder/log" 2>&1
