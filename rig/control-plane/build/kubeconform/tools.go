//go:build tools

// Package kubeconform names the command that assets.ts builds, so that `go mod tidy` keeps its modules in go.mod and
// go.sum. The build tag keeps it from ever being compiled: commands cannot be imported.
package kubeconform

import _ "github.com/yannh/kubeconform/cmd/kubeconform"
