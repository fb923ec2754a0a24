// Persistent contrastive divergence for E(x) = a x^2 + b x + exp(g) x^4, written the way textbooks write it: one chain
// after the other, std::mt19937_64, std::normal_distribution and std::pow. With -DPRODUCTS the powers are products.
// Reads one number a line; prints the parameters. Usage: textbook DATA.csv
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <numeric>
#include <random>
#include <vector>

struct Quartic {
    double a = 0.05, b = 0.0, g = -0.5;
    double gradient(double x) const {
#ifdef PRODUCTS
        return 2 * a * x + b + 4 * std::exp(g) * x * x * x;
#else
        return 2 * a * x + b + 4 * std::exp(g) * std::pow(x, 3);
#endif
    }
};

static double fourth(double x) {
#ifdef PRODUCTS
    return x * x * x * x;
#else
    return std::pow(x, 4);
#endif
}

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    std::ifstream file(argv[1]);
    std::vector<double> data;
    for (double x; file >> x;) data.push_back(x);

    const int epochs = 100, steps = 30;
    const size_t batch = 256;
    const double step_size = 0.01, learning_rate = 0.001;
    std::mt19937_64 generator(0);
    std::normal_distribution<double> normal(0.0, 1.0);

    Quartic model;
    std::vector<double> chains(batch);
    for (double& x : chains) x = normal(generator);
    std::vector<size_t> order(data.size());
    std::iota(order.begin(), order.end(), 0);

    for (int epoch = 0; epoch < epochs; ++epoch) {
        std::shuffle(order.begin(), order.end(), generator);
        for (size_t start = 0; start < data.size(); start += batch) {
            const size_t n = std::min(batch, data.size() - start);
            for (double& x : chains)
                for (int k = 0; k < steps; ++k)
                    x += -step_size * model.gradient(x) + std::sqrt(2 * step_size) * normal(generator);
            double p1 = 0, p2 = 0, p4 = 0, n1 = 0, n2 = 0, n4 = 0;
            for (size_t i = 0; i < n; ++i) {
                const double x = data[order[start + i]];
                p1 += x, p2 += x * x, p4 += fourth(x);
            }
            for (double x : chains) n1 += x, n2 += x * x, n4 += fourth(x);
            model.a -= learning_rate * (p2 / n - n2 / batch);
            model.b -= learning_rate * (p1 / n - n1 / batch);
            model.g -= learning_rate * std::exp(model.g) * (p4 / n - n4 / batch);
        }
    }
    std::printf("a=%.6f b=%.6f lambda=%.6f\n", model.a, model.b, std::exp(model.g));
}
