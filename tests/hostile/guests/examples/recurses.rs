//! Calls itself without end.

xqute_hostile::on_each_success!({
    std::hint::black_box(deeper(std::hint::black_box(1)));
});

#[expect(unconditional_recursion, reason = "this is what it is for")]
fn deeper(depth: u64) -> u64 {
    std::hint::black_box([depth; 64]);
    deeper(depth + 1) + 1
}
