module github.com/zerobuffer-go/zerobuffer/backend-memfd

go 1.26.0

require (
	github.com/stretchr/testify v1.12.1
	github.com/zerobuffer-go/zerobuffer/core v0.0.0
	golang.org/x/sys v0.49.0
)

require go.yaml.in/yaml/v3 v3.0.5 // indirect

replace github.com/zerobuffer-go/zerobuffer/core => ../core
