//go:build tools

// Package controlplane names the commands that assets.ts builds, so that `go mod tidy` keeps their modules in
// go.mod and go.sum. The build tag keeps it from ever being compiled: commands cannot be imported.
package controlplane

import (
	_ "go.etcd.io/etcd/server/v3"
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kube-controller-manager"
	_ "k8s.io/kubernetes/cmd/kubectl"
)
