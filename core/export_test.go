package zerobuffer

// OpenWriters is the number of Writers of this process.
func OpenWriters() int { return int(openWriters.Load()) }
