package build

const exeSuffix = ".exe"
