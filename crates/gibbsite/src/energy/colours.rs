//! Which labels may move together: those of one colour are not coupled to each other.

/// Colours the sites `0..d` one after the other with the first colour that no coupled site has: two on even lattices, one where
/// nothing is coupled, d where all are. Sites of a colour are in order.
pub(super) fn colours(d: usize, neighbours: impl Fn(usize) -> Vec<usize>) -> Vec<Vec<usize>> {
    let mut blocks: Vec<Vec<usize>> = Vec::new();
    let mut colour = vec![usize::MAX; d];
    for site in 0..d {
        let taken: Vec<usize> = neighbours(site).into_iter().map(|other| colour[other]).collect();
        let free = (0..blocks.len()).find(|c| !taken.contains(c)).unwrap_or(blocks.len());
        if free == blocks.len() {
            blocks.push(Vec::new());
        }
        blocks[free].push(site);
        colour[site] = free;
    }
    blocks
}
