module github.com/opencdo/opencdo

go 1.26
