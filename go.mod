module github.com/zerobuffer-go/zerobuffer

go 1.26.0

require github.com/magefile/mage v1.17.2 // indirect

tool github.com/magefile/mage
