#!/bin/sh
# Made by `kubectl karpcheck collect`: asks AWS what its rules read, and changes nothing.
# Needed: the aws CLI with credentials, and the rights that `kubectl karpcheck iam-policy` prints.
#
#   sh collect.sh [-t] [FOLDER]
#
# FOLDER (karpcheck-aws if none is named) must not be there yet; -t also makes FOLDER.tar of it. Then:
#   kubectl karpcheck check -f FOLDER
# Every answer stands beside its command, the account, the region and the time. AWS_PROFILE and AWS_ENDPOINT_URL count.

set -uf
umask 077
LC_ALL=C
AWS_PAGER=
AWS_CLI_AUTO_PROMPT=off
export LC_ALL AWS_PAGER AWS_CLI_AUTO_PROMPT

tar=
if [ "${1-}" = -t ]; then
  tar=yes
  shift
fi
folder=${1-karpcheck-aws}
case $folder in
  '' | *[!A-Za-z0-9_./=+,@\ -]*) echo "collect: name a folder in plain letters" >&2; exit 2 ;;
  -*) folder=./$folder ;;
esac
if ! command -v aws >/dev/null 2>&1; then
  echo "collect: there is no aws on the PATH: install the AWS CLI" >&2
  exit 3
fi
if ! mkdir -- "$folder"; then
  echo "collect: $folder cannot be made: name another folder, or remove it" >&2
  exit 2
fi

from=$(($(date +%s) - @SPAN@))
to=$(date +%s)
account=
region=
count=0
answers=0
refused=0
left=0
seen='|'

# Runs one command.
call() {
  aws "$@" ${region:+--region "$region"} ${AWS_ENDPOINT_URL:+--endpoint-url "$AWS_ENDPOINT_URL"}
}

# Standard input as the inside of a JSON string.
escaped() {
  tr '\n\t\r' '   ' | tr -d '\000-\037' | sed 's/\\/\\\\/g; s/"/\\"/g'
}

# Keeps what a command answers, with all that there is to say of it.
ask() {
  if [ "$count" -ge @MOST@ ]; then
    left=$((left + 1))
    return 1
  fi
  count=$((count + 1))
  command='"aws"'
  for word in "$@"; do command="$command,\"$(printf '%s' "$word" | escaped)\""; done
  file=$(printf '%s/%03d-%s-%s.json' "$folder" "$count" "$1" "$2")
  good=yes
  call "$@" --output json >"$folder/.answer" 2>"$folder/.error" </dev/null || good=
  {
    printf '{"karpcheck":"aws-answer/v1","command":[%s],"account":"%s","region":"%s","at":"%s",\n' \
      "$command" "$account" "$region" "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
    if [ -z "$good" ]; then
      printf '"error":"%s"}\n' "$(escaped <"$folder/.error")"
    elif [ -s "$folder/.answer" ]; then
      printf '"answer":'
      cat "$folder/.answer"
      printf '}\n'
    else
      printf '"answer":{}}\n'
    fi
  } >"$file"
  if [ -z "$good" ]; then
    refused=$((refused + 1))
    return 1
  fi
  answers=$((answers + 1))
}

# The words of an answer at a place.
found() {
  query=$1
  shift
  call "$@" --query "$query" --output text 2>/dev/null </dev/null
}

# Names among them: nothing that would be an option, or that the CLI would read a file or an address for.
names() {
  for word in $(found "$@"); do
    case $word in
      None | -* | *://* | *[!A-Za-z0-9_+=,.@:/-]*) ;;
      *) printf '%s\n' "$word" ;;
    esac
  done
}

# Queue URLs among them.
urls() {
  for word in $(found "$@"); do
    case $word in
      *[!A-Za-z0-9_.:/-]*) ;;
      https://* | http://*) printf '%s\n' "$word" ;;
    esac
  done
}

# Is this met for the first time?
once() {
  case $seen in
    *"|$*|"*) return 1 ;;
  esac
  seen="$seen$*|"
}

# Whose account it is. Another one than the cluster's is not asked.
begin() {
  seen='|'
  region=${2:-${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region)}}}
  account=
  if ! account=$(call sts get-caller-identity --query Account --output text 2>"$folder/.error" </dev/null); then
    cat "$folder/.error" >&2
    echo "collect: AWS does not know you: log in with the aws CLI first" >&2
    failed=3
    return 1
  fi
  if [ -n "$1" ] && [ "$1" != "$account" ]; then
    echo "collect: you are logged in to account $account, this is about $1: set AWS_PROFILE" >&2
    failed=3
    return 1
  fi
  ask sts get-caller-identity
}

finish() {
  rm -f "$folder/.answer" "$folder/.error"
  if [ "$left" -gt 0 ]; then
    echo "collect: $left questions were left after the first @MOST@: collect for fewer rules (--rule, --area)" >&2
  fi
  if [ -n "$tar" ] && ! tar -cf "$folder.tar" "$folder"; then
    failed=3
  fi
  echo "collect: $answers answers and $refused without one are in $folder; read them: kubectl karpcheck check -f $folder" >&2
  exit "$failed"
}
failed=0
