import type {
  CreateEndpointMutation,
  CreateEndpointMutationVariables,
  DeleteEndpointMutation,
  DeleteEndpointMutationVariables,
  EndpointsQuery,
  EndpointsQueryVariables,
  MessagesQuery,
  MessagesQueryVariables,
  PauseEndpointMutation,
  PauseEndpointMutationVariables,
  ReplayEventsMutation,
  ReplayEventsMutationVariables,
  ResendEventMutation,
  ResendEventMutationVariables,
  ResumeEndpointMutation,
  ResumeEndpointMutationVariables,
  RotateSecretMutation,
  RotateSecretMutationVariables,
  UpdateEndpointMutation,
  UpdateEndpointMutationVariables,
} from '../../generated/web/operations.ts';
import { operation } from '../shared/operation.ts';

export const endpointsQuery = operation<EndpointsQuery, EndpointsQueryVariables>(/* GraphQL */ `
  query Endpoints {
    webhookEndpoints {
      id
      url
      description
      status
      pauseReason
      eventTypes
      ordered
      createdAt
      pendingCount
      failedCount
      failingSince
      retryAt
      previousSecretUntil
      replays {
        id
        createdAt
        queued
        queuedAt
      }
    }
  }
`);

export const messagesQuery = operation<MessagesQuery, MessagesQueryVariables>(/* GraphQL */ `
  query Messages($endpointId: ID!, $first: Int!) {
    webhookMessages(endpointId: $endpointId, first: $first) {
      nodes {
        eventId
        eventType
        orderId
        status
        createdAt
        attemptCount
        attempts(first: 1) {
          id
          attemptedAt
          durationMs
          responseStatus
          error
        }
      }
    }
  }
`);

export const createEndpoint = operation<CreateEndpointMutation, CreateEndpointMutationVariables>(/* GraphQL */ `
  mutation CreateEndpoint($input: CreateWebhookEndpointInput!) {
    outcome: createWebhookEndpoint(input: $input) {
      __typename
      ... on WebhookEndpointSecret {
        secret
      }
      ... on InvalidInputError {
        issues {
          path
          message
        }
      }
      ... on Error {
        code
        message
      }
    }
  }
`);

export const updateEndpoint = operation<UpdateEndpointMutation, UpdateEndpointMutationVariables>(/* GraphQL */ `
  mutation UpdateEndpoint($input: UpdateWebhookEndpointInput!) {
    outcome: updateWebhookEndpoint(input: $input) {
      __typename
      ... on InvalidInputError {
        issues {
          path
          message
        }
      }
      ... on Error {
        code
        message
      }
    }
  }
`);

export const deleteEndpoint = operation<DeleteEndpointMutation, DeleteEndpointMutationVariables>(/* GraphQL */ `
  mutation DeleteEndpoint($id: ID!) {
    outcome: deleteWebhookEndpoint(id: $id) {
      __typename
      ... on Error {
        code
        message
      }
    }
  }
`);

export const rotateSecret = operation<RotateSecretMutation, RotateSecretMutationVariables>(/* GraphQL */ `
  mutation RotateSecret($id: ID!) {
    outcome: rotateWebhookSecret(id: $id) {
      __typename
      ... on WebhookEndpointSecret {
        secret
      }
      ... on Error {
        code
        message
      }
    }
  }
`);

export const pauseEndpoint = operation<PauseEndpointMutation, PauseEndpointMutationVariables>(/* GraphQL */ `
  mutation PauseEndpoint($id: ID!) {
    outcome: pauseWebhookEndpoint(id: $id) {
      __typename
      ... on Error {
        code
        message
      }
    }
  }
`);

export const resumeEndpoint = operation<ResumeEndpointMutation, ResumeEndpointMutationVariables>(/* GraphQL */ `
  mutation ResumeEndpoint($id: ID!) {
    outcome: resumeWebhookEndpoint(id: $id) {
      __typename
      ... on Error {
        code
        message
      }
    }
  }
`);

export const replayEvents = operation<ReplayEventsMutation, ReplayEventsMutationVariables>(/* GraphQL */ `
  mutation ReplayEvents($input: ReplayWebhooksInput!) {
    outcome: replayWebhooks(input: $input) {
      __typename
      ... on InvalidInputError {
        issues {
          path
          message
        }
      }
      ... on Error {
        code
        message
      }
    }
  }
`);

export const resendEvent = operation<ResendEventMutation, ResendEventMutationVariables>(/* GraphQL */ `
  mutation ResendEvent($endpointId: ID!, $eventId: ID!) {
    outcome: resendWebhook(endpointId: $endpointId, eventId: $eventId) {
      __typename
      ... on Error {
        code
        message
      }
    }
  }
`);

export type Endpoint = NonNullable<EndpointsQuery['webhookEndpoints']>[number];
