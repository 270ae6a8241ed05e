module github.com/zerobuffer-go/zerobuffer/compat/benchmarks

go 1.26.0

require (
	github.com/alecthomas/kong v1.17.0
	github.com/stretchr/testify v1.12.1
	github.com/zerobuffer-go/zerobuffer/compat v0.0.0
	github.com/zerobuffer-go/zerobuffer/core v0.0.0
	golang.org/x/sys v0.49.0
)

require (
	github.com/HdrHistogram/hdrhistogram-go v1.4.0 // indirect
	github.com/zerobuffer-go/zerobuffer/backend-memfd v0.0.0 // indirect
	github.com/zerobuffer-go/zerobuffer/backend-posix v0.0.0 // indirect
	github.com/zerobuffer-go/zerobuffer/backend-windows v0.0.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
)

replace (
	github.com/zerobuffer-go/zerobuffer/backend-memfd => ../../backend-memfd
	github.com/zerobuffer-go/zerobuffer/backend-posix => ../../backend-posix
	github.com/zerobuffer-go/zerobuffer/backend-windows => ../../backend-windows
	github.com/zerobuffer-go/zerobuffer/compat => ../
	github.com/zerobuffer-go/zerobuffer/core => ../../core
)
