//go:build tools

// Package tools keeps `go mod tidy` from dropping what local/pulumi_cli/build.py builds from this module.
package tools

import _ "github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python"
