module github.com/zerobuffer-go/zerobuffer/compat/benchmarks

go 1.26.0
