//go:build tools

// Package tools keeps the Pulumi CLI in go.mod. Update both files with:
//
//	go get github.com/pulumi/pulumi/pkg/v3@vX.Y.Z && go mod tidy
//
// The replacement is the one in that module's own go.mod, which Go reads in the main module only.
package tools

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
