#!/bin/bash
# Real proxies that want a login, for real_test.go or to try by hand:
#
#   real-proxies.sh start DIR [ntlm]   DIR: an empty folder others may enter
#   real-proxies.sh stop DIR
#
# start prints KEY=VALUE lines, then READY, and lives until its input ends;
# then all it started is stopped. What is not installed is said in SKIP_KEY.
# Debian: apt-get install squid tinyproxy-bin krb5-kdc krb5-admin-server krb5-user
# ntlm (as root, samba and winbind too) is squid with Samba's ntlm_auth.
set -u
PATH=$PATH:/usr/sbin:/sbin
action=${1:?start or stop} dir=${2:?a folder} extra=${3:-}
user=alice password=s3cret-pw realm=TEST.LOCAL host=proxy.test.local

stop() {
  local f
  [ -f "$dir/winbindd.child" ] && rm -f /run/samba/winbindd/pipe && rmdir /run/samba/winbindd 2>/dev/null
  for f in "$dir"/*.child; do
    [ -f "$f" ] && kill -- "-$(cat "$f")" 2>/dev/null && rm -f "$f"
  done
  return 0
}

# finish stops the children of this shell and sees them end
finish() {
  local pids
  pids=$(cat "$dir"/*.child 2>/dev/null)
  stop
  for _ in $(seq 50); do
    [ -z "$(jobs -r)" ] && return
    sleep 0.1
  done
  for p in $pids; do kill -KILL -- "-$p" 2>/dev/null; done
}

# child NAME COMMAND…: a process group of its own, with its output in NAME.out
child() {
  local name=$1
  shift
  setsid "$@" >"$dir/$name.out" 2>&1 </dev/null &
  echo $! >"$dir/$name.child"
}

listening() { (: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

free_port() {
  local p
  while p=$((20000 + RANDOM % 12000)); do listening $p || break; done
  echo $p
}

# up KEY PORT [VALUE]: prints KEY once the port answers
up() {
  for _ in $(seq 100); do
    listening "$2" && { echo "$1=${3:-127.0.0.1:$2}"; return; }
    sleep 0.1
  done
  echo "FAILED_$1=nothing listens on port $2: $(tail -n 3 "$dir"/*.out | tr '\n' ' ')"
}

# missing KEY PROGRAM…: says what is not installed
missing() {
  local key=$1 p
  shift
  for p in "$@"; do
    command -v "$p" >/dev/null || { echo "SKIP_$key=$p is not installed"; return 0; }
  done
  return 1
}

helper() {
  local p
  for p in /usr/lib/squid /usr/lib64/squid /usr/libexec/squid; do
    [ -x "$p/$1" ] && { echo "$p/$1"; return; }
  done
  echo "$1"
}

# squid NAME PORT LINES: a squid that lets in whoever can log in
squid_proxy() {
  cat >"$dir/$1.conf" <<CONF
http_port 127.0.0.1:$2
visible_hostname $host
pid_filename $dir/$1.pid
cache_log $dir/$1.log
access_log none
coredump_dir $dir
cache deny all
pinger_enable off
shutdown_lifetime 0 seconds
$3
acl login proxy_auth REQUIRED
http_access allow login
http_access deny all
CONF
  child "$1" squid -N -n "t$2" -f "$dir/$1.conf"
}

start_basic() {
  missing BASIC squid openssl "$(helper basic_ncsa_auth)" && return
  local port=$(free_port)
  echo "$user:$(openssl passwd -apr1 "$password")" >"$dir/basic.pw"
  chmod 644 "$dir/basic.pw"
  squid_proxy basic "$port" "auth_param basic program $(helper basic_ncsa_auth) $dir/basic.pw
auth_param basic realm test"
  up BASIC "$port"
}

start_digest() {
  missing DIGEST squid "$(helper digest_file_auth)" && return
  local port=$(free_port)
  echo "$user:$password" >"$dir/digest.pw"
  chmod 644 "$dir/digest.pw"
  squid_proxy digest "$port" "auth_param digest program $(helper digest_file_auth) $dir/digest.pw
auth_param digest realm test"
  up DIGEST "$port"
}

start_tinyproxy() {
  missing TINYPROXY tinyproxy && return
  local port=$(free_port)
  printf 'Port %s\nListen 127.0.0.1\nTimeout 30\nBasicAuth %s %s\n' "$port" "$user" "$password" >"$dir/tiny.conf"
  chmod 644 "$dir/tiny.conf"
  child tiny tinyproxy -d -c "$dir/tiny.conf"
  up TINYPROXY "$port"
}

write_krb5() {
  cat >"$dir/krb5.conf" <<CONF
[libdefaults]
 default_realm = $realm
 dns_lookup_kdc = false
 dns_lookup_realm = false
 rdns = false
 udp_preference_limit = 1
[realms]
 $realm = {
  kdc = 127.0.0.1:$1
 }
[domain_realm]
 .test.local = $realm
CONF
  cat >"$dir/kdc.conf" <<CONF
[realms]
 $realm = {
  kdc_listen = 127.0.0.1:$1
  kdc_tcp_listen = 127.0.0.1:$1
  database_name = $dir/principal
  key_stash_file = $dir/stash
  supported_enctypes = aes256-cts:normal aes128-cts:normal
 }
CONF
}

start_negotiate() {
  missing NEGOTIATE squid krb5kdc kdb5_util kadmin.local kinit "$(helper negotiate_kerberos_auth)" && return
  local port=$(free_port) kdc=$(free_port)
  export KRB5_CONFIG=$dir/krb5.conf KRB5_KDC_PROFILE=$dir/kdc.conf KRB5CCNAME=FILE:$dir/ccache
  write_krb5 "$kdc"
  {
    kdb5_util create -s -P master -r $realm
    kadmin.local -q "addprinc -pw $password $user"
    kadmin.local -q "addprinc -randkey HTTP/$host"
    kadmin.local -q "ktadd -k $dir/http.keytab HTTP/$host"
    kadmin.local -q "ktadd -norandkey -k $dir/user.keytab $user"
  } >"$dir/kadmin.out" 2>&1
  chmod 644 "$dir/http.keytab" "$dir/krb5.conf"
  child kdc krb5kdc -n
  up KDC "$kdc"
  echo "$password" | kinit $user >"$dir/kinit.out" 2>&1
  squid_proxy negotiate "$port" "auth_param negotiate program $(helper negotiate_kerberos_auth) -k $dir/http.keytab -s HTTP/$host@$realm
auth_param negotiate keep_alive on"
  echo "KRB5_CONFIG=$KRB5_CONFIG"
  echo "KRB5CCNAME=$KRB5CCNAME"
  echo "KRB5_CLIENT_KTNAME=FILE:$dir/user.keytab"
  up NEGOTIATE "$port"
}

write_smb() {
  mkdir -p "$dir"/smb/{private,lock,state,cache,pid,ncalrpc}
  cat >"$dir/smb.conf" <<CONF
[global]
 workgroup = CORP
 netbios name = PROXY
 server role = standalone server
 private dir = $dir/smb/private
 lock directory = $dir/smb/lock
 state directory = $dir/smb/state
 cache directory = $dir/smb/cache
 pid directory = $dir/smb/pid
 ncalrpc dir = $dir/smb/ncalrpc
 winbindd socket directory = /run/samba/winbindd
 log file = $dir/smb/log.%m
 passdb backend = tdbsam:$dir/smb/private/passdb.tdb
 ntlm auth = ntlmv2-only
 disable netbios = yes
CONF
}

# Samba's user must be a user of the system: nobody. The library behind
# ntlm_auth has the socket's folder compiled in.
start_ntlm() {
  missing NTLM squid winbindd ntlm_auth pdbedit && return
  [ "$(id -u)" = 0 ] || { echo "SKIP_NTLM=needs root"; return; }
  [ -e /run/samba/winbindd/pipe ] && { echo "SKIP_NTLM=a winbindd is running"; return; }
  local port=$(free_port)
  write_smb
  mkdir -p /run/samba/winbindd
  chmod 755 /run/samba /run/samba/winbindd "$dir/smb" "$dir/smb/state"
  printf '%s\n%s\n' "$password" "$password" | pdbedit -s "$dir/smb.conf" -a -t -u nobody >"$dir/pdbedit.out" 2>&1
  child winbindd winbindd -F --no-process-group -s "$dir/smb.conf" --debug-stdout
  for _ in $(seq 100); do
    [ -d "$dir/smb/state/winbindd_privileged" ] && break
    sleep 0.1
  done
  chgrp proxy "$dir/smb/state/winbindd_privileged"
  squid_proxy ntlm "$port" "auth_param ntlm program $(command -v ntlm_auth) --configfile=$dir/smb.conf --helper-protocol=squid-2.5-ntlmssp
auth_param ntlm keep_alive on"
  echo 'NTLM_USER=PROXY\nobody'
  up NTLM "$port"
}

if [ "$action" = stop ]; then
  stop
  exit
fi
trap finish EXIT
trap 'exit 1' INT TERM
chmod 755 "$dir"
[ "$(id -u)" = 0 ] && id proxy >/dev/null 2>&1 && chown proxy "$dir" # squid's user writes its logs here
echo "PROXY_HOST=$host"
echo "PROXY_USER=$user"
echo "PASSWORD=$password"
start_basic
start_digest
start_tinyproxy
start_negotiate
[ "$extra" = ntlm ] && start_ntlm
echo READY
cat >/dev/null
