//go:build tools

// Package oldest names the commands that assets.ts builds, so that `go mod tidy` keeps their modules in go.mod and
// go.sum. The build tag keeps it from ever being compiled: commands cannot be imported.
package oldest

import (
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kube-controller-manager"
)
