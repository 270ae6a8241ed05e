module github.com/zerobuffer-go/zerobuffer/compat/benchmarks

go 1.26.0

require (
	github.com/alecthomas/kong v1.17.0
	github.com/cloudwego/shmipc-go v0.2.0
	github.com/google/go-cmp v0.7.0
	github.com/stretchr/testify v1.12.1
	github.com/zerobuffer-go/zerobuffer/compat v0.0.0
	github.com/zerobuffer-go/zerobuffer/core v0.0.0
	golang.org/x/perf v0.0.0-20260908200009-22c9c6c9d4da
	golang.org/x/sys v0.49.0
	gonum.org/v1/plot v0.17.0
)

require (
	codeberg.org/go-fonts/liberation v0.5.0 // indirect
	codeberg.org/go-latex/latex v0.2.0 // indirect
	codeberg.org/go-pdf/fpdf v0.11.1 // indirect
	git.sr.ht/~sbinet/gg v0.7.0 // indirect
	github.com/HdrHistogram/hdrhistogram-go v1.4.0 // indirect
	github.com/aclements/go-moremath v0.0.0-20210112150236-f10218a38794 // indirect
	github.com/ajstarks/svgo v0.0.0-20211024235047-1546f124cd8b // indirect
	github.com/bytedance/gopkg v0.0.0-20220817015305-b879a72dc90f // indirect
	github.com/go-ole/go-ole v1.2.6 // indirect
	github.com/golang/freetype v0.0.0-20170609003504-e2365dfdc4a0 // indirect
	github.com/power-devops/perfstat v0.0.0-20210106213030-5aafc221ea8c // indirect
	github.com/shirou/gopsutil/v3 v3.22.1 // indirect
	github.com/yusufpapurcu/wmi v1.2.2 // indirect
	github.com/zerobuffer-go/zerobuffer/backend-memfd v0.0.0 // indirect
	github.com/zerobuffer-go/zerobuffer/backend-posix v0.0.0 // indirect
	github.com/zerobuffer-go/zerobuffer/backend-windows v0.0.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/image v0.46.0 // indirect
	golang.org/x/text v0.42.0 // indirect
)

replace (
	github.com/zerobuffer-go/zerobuffer/backend-memfd => ../../backend-memfd
	github.com/zerobuffer-go/zerobuffer/backend-posix => ../../backend-posix
	github.com/zerobuffer-go/zerobuffer/backend-windows => ../../backend-windows
	github.com/zerobuffer-go/zerobuffer/compat => ../
	github.com/zerobuffer-go/zerobuffer/core => ../../core
)
