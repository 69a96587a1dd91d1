#!/bin/sh
# Builds what the live tests run against: the real kube-apiserver, from Go's module proxy, and beside it the etcd of
# the system (Debian: apt-get install etcd-server). Both land in $KUBEBUILDER_ASSETS, else in target/kubebuilder.
# Takes about four minutes of two cores the first time; run again, it does nothing.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
into=${KUBEBUILDER_ASSETS:-$here/../../target/kubebuilder}
mkdir -p "$into"
into=$(CDPATH='' cd -- "$into" && pwd)

if [ ! -x "$into/etcd" ]; then
    etcd=$(command -v etcd) || {
        echo "etcd is not here: install it (Debian: apt-get install etcd-server) and run this again" >&2
        exit 1
    }
    ln -sf "$etcd" "$into/etcd"
fi

# What the server is made of. A server that somebody else put there has no stamp, and is left alone.
made_of=$(cat "$here/go.mod" "$here/go.sum" "$here/main.go" | sha256sum | cut -d' ' -f1)
stamp=$into/kube-apiserver.made-of
if [ -x "$into/kube-apiserver" ] && { [ ! -e "$stamp" ] || [ "$(cat "$stamp")" = "$made_of" ]; }; then
    echo "kube-apiserver and etcd are in $into"
    exit 0
fi

command -v go >/dev/null || {
    echo "go is not here: install it, or point KUBEBUILDER_ASSETS at a folder with kube-apiserver and etcd" >&2
    exit 1
}
echo "building kube-apiserver into $into (about four minutes)"
# The version is what the server says of itself; a build outside of upstream's tree says nothing by default.
version=$(sed -n 's|^.*k8s.io/kubernetes \(v[0-9.]*\)$|\1|p' "$here/go.mod")
major=${version#v}
minor=${major#*.}
say=k8s.io/component-base/version
cd "$here"
nice go build -trimpath \
    -ldflags "-s -w -X $say.gitVersion=$version -X $say.gitMajor=${major%%.*} -X $say.gitMinor=${minor%%.*}" \
    -o "$into/kube-apiserver.new" .
mv "$into/kube-apiserver.new" "$into/kube-apiserver"
echo "$made_of" >"$stamp"
echo "kube-apiserver $version and etcd are in $into"
