// Package api holds the OpenAPI description of the REST API. It is generated from the routes: run `go test ./api -update` after a change
// of routes, and commit the file.
package api

import _ "embed"

// Document is the description in YAML.
//
//go:embed openapi.yaml
var Document []byte
