module github.com/zerobuffer-go/zerobuffer

go 1.26.0
