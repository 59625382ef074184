-- A verified callback that cannot be read puts the order that it names into review.
ALTER TYPE "ReviewReason" ADD VALUE 'UNREADABLE_CALLBACK';
