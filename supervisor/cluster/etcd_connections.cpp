#include "supervisor/cluster/etcd_connections.h"

#include "supervisor/transport/tls_loader.h"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace mpsup::cluster {

namespace asio = boost::asio;

namespace {

constexpr std::size_t most_idle = 4;

// What is wrong with a file is said with its path; which option named it? What is no key of a certificate names both.
std::string with_option(const tls::Files& files, std::string text) {
    const std::array<std::pair<const char*, const std::string&>, 3> options{
        {{"--cluster-key", files.key}, {"--cluster-cert", files.certificate}, {"--cluster-ca", files.ca}}};
    for (const auto& [option, path] : options)
        if (!path.empty() && text.contains(path)) return std::string(option) + ": " + text;
    return text;
}

} // namespace

std::vector<std::size_t> EtcdConnections::order() const {
    std::vector<std::size_t> endpoints;
    for (std::size_t i = 0; i < options_.endpoints.size(); ++i)
        endpoints.push_back((first_ + i) % options_.endpoints.size());
    return endpoints;
}

asio::awaitable<Result<EtcdConnections::Connection>> EtcdConnections::take(std::size_t endpoint,
                                                                           Channel::Deadline deadline) {
    std::erase_if(idle_, [](const Idle& idle) { return !idle.channel->is_quiet(); });
    const auto idle = std::ranges::find(idle_, endpoint, &Idle::endpoint);
    if (idle != idle_.end()) {
        Connection connection{std::move(idle->channel), true};
        idle_.erase(idle);
        co_return connection;
    }
    auto opened = co_await open(endpoint, deadline, Use::question);
    if (!opened) co_return std::unexpected(opened.error());
    co_return Connection{std::move(*opened), false};
}

asio::awaitable<Result<std::shared_ptr<Channel>>> EtcdConnections::open(std::size_t endpoint,
                                                                        Channel::Deadline deadline, Use use) {
    const auto channel = std::make_shared<Channel>(co_await asio::this_coro::executor);
    std::erase_if(open_, [](const Open& open) { return open.channel.expired(); });
    open_.push_back({endpoint, use, channel});
    if (cancelled_) channel->close();
    const auto connected = co_await channel->connect(at(endpoint).host, at(endpoint).port, deadline);
    if (!connected) co_return std::unexpected(connected.error());
    if (at(endpoint).tls) {
        const auto secured = co_await secure(channel, at(endpoint), deadline);
        if (!secured) co_return std::unexpected(secured.error());
    }
    co_return channel;
}

asio::awaitable<Result<>> EtcdConnections::secure(std::shared_ptr<Channel> channel, const EtcdEndpoint& endpoint,
                                                  Channel::Deadline deadline) const {
    const auto plugin = tls::load_plugin(options_.tls_plugin.empty() ? tls::plugin_path() : options_.tls_plugin);
    if (!plugin) co_return std::unexpected(plugin.error());
    const auto context = (*plugin)->client(options_.tls);
    if (!context) co_return failure(with_option(options_.tls, context.error().to_string()));
    auto session = (*context)->connect(endpoint.host);
    if (!session) co_return std::unexpected(session.error());
    const auto secured = co_await channel->secure(std::move(*session), deadline);
    co_return secured;
}

void EtcdConnections::give_back(std::size_t endpoint, std::shared_ptr<Channel> channel) {
    if (!cancelled_ && idle_.size() < most_idle) idle_.push_back({endpoint, std::move(channel)});
}

void EtcdConnections::failed(std::size_t endpoint) {
    std::erase_if(idle_, [&](const Idle& idle) { return idle.endpoint == endpoint; });
    close_watches(endpoint);
}

void EtcdConnections::close_watches(std::optional<std::size_t> endpoint) const {
    for (const Open& open : open_)
        if (const auto channel = open.channel.lock();
            channel && open.use == Use::watch && open.endpoint == endpoint.value_or(open.endpoint))
            channel->close();
}

void EtcdConnections::end_watches() {
    ++watch_turn_;
    close_watches({});
}

void EtcdConnections::cancel() {
    cancelled_ = true;
    idle_.clear();
    for (const Open& open : open_)
        if (const auto channel = open.channel.lock()) channel->close();
}

} // namespace mpsup::cluster
