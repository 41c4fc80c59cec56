// What a step is told from outside: which tokens stand where, and which codes are to be chosen. Both
// lie in the card's memory, so that one recorded graph serves every step of its shape.
// Their twins in Rust are in src/model/cuda/step.rs; a test compares the layouts.
#pragma once
#include "common.cuh"

constexpr int MOST_ROWS = 32;

// A step runs `feeds` feeds of `each` rows: row r of feed f is row f * each + r of the batch.
struct Step {
    int tokens[MOST_ROWS];  // row of the embedding table, one a row of the batch
    int lanes[MOST_ROWS];   // lane of each feed
    int at[MOST_ROWS];      // position of each feed's first row in its lane
};

struct Ask {
    uint64_t place;   // key of the noise: seed and position
    int c, u;         // rows of scores of both branches; u < 0: there is one branch
    int keep;         // row of the kept distributions that takes this one
    int unused;
};
struct Guess {
    uint64_t place;
    int left, above;  // rows of the kept distributions; above < 0: none
};
struct Wish {
    float cfg, temperature, top_n_sigma;  // top_n_sigma 0: off
    int top_k;                            // 0: all
    int asks, guesses;
    Ask ask[MOST_ROWS];
    Guess guess[MOST_ROWS];
};
struct Choice {
    int code;
    float log_c, log_u, entropy;  // natural logarithms; log_u is log_c where there is one branch
};
struct Chosen {
    Choice of_ask[MOST_ROWS];
    int of_guess[MOST_ROWS];
};
